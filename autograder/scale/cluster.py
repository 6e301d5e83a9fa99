"""A connection to a Dask cluster: one that this process starts, or one that is there. Insists on TLS where it must."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster, Security

from autograder.errors import OurError, UsageError
from autograder.scale.where import Where, checked, refuse_open

HERE = "127.0.0.1"
CONNECT_SECONDS = 30
TLS = (
    "A tls:// address needs certificates that both sides know: --tls-ca, --tls-cert and --tls-key, or "
    "distributed.comm.tls in Dask's configuration."
)


@contextmanager
def connected(where: Where) -> Iterator[Client]:
    """A client of the cluster. `UsageError` where it is not protected or does not answer."""
    checked(where)
    with _cluster(where) if where.local else _client(where) as client:
        yield client


@contextmanager
def _cluster(where: Where) -> Iterator[Client]:
    """A cluster of processes on this machine. Its certificates are made for it: others log in here, too."""
    try:
        security = Security.temporary()
    except ImportError as error:
        raise UsageError(f"{error}. Install 'dmol-autograder[scale]'.") from None
    with (
        dask.config.set({f"distributed.{who}.http.routes": [] for who in ("scheduler", "worker")}),  # no pages
        LocalCluster(
            n_workers=where.workers,
            threads_per_worker=1,
            processes=True,
            host=HERE,
            protocol="tls://",
            security=security,
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{HERE}:0"},
            worker_dashboard_address=None,
            memory_limit=0,  # each submission has a limit of its own
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster, security=security, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _client(where: Where) -> Iterator[Client]:
    try:
        client = Client(where.address, security=_security(where), timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise UsageError(f"The scheduler at {where.address} does not answer: {error}.") from None
    with client:
        address = client.scheduler_info(n_workers=1)["address"]  # which others use, and need not be what was typed
        refuse_open(address, trust=where.trust_network)
        yield client


def _security(where: Where) -> Security | None:
    if not where.encrypted:
        return None
    given = {"tls_ca_file": where.ca, "tls_client_cert": where.cert, "tls_client_key": where.key}
    security = Security(
        require_encryption=True, **{name: str(path) for name, path in given.items() if path is not None}
    )
    if not security.tls_ca_file or not security.tls_client_cert:
        raise UsageError(TLS)
    return security


def workers_of(client: Client) -> dict[str, int]:
    """The threads of every worker that is there, by address. `OurError` if the scheduler has gone."""
    if client.status != "running":
        raise OurError(GONE)
    found: dict[str, int] = client.nthreads()
    return found


GONE = "The Dask scheduler was lost. What had finished is kept: the same command grades the rest."
