"""What runs inside Dask's workers: one desk for each of them, opened when they join, closed when the class is done."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from autograder.scale.desk import Desk
from autograder.scale.parcel import Parcel
from autograder.settings import read_settings


class GradingPlugin(WorkerPlugin):
    """A desk for as long as the plugin is registered. `children` are workers that Ctrl-C must not end by itself,
    because the process which started them has yet to write its report."""

    def __init__(self, parcel: Parcel, *, children: bool):
        self._parcel, self._children = parcel, children

    def setup(self, worker: Worker) -> None:
        if self._children and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.desk = Desk(worker.address, self._parcel, Path(worker.local_directory), read_settings().state)

    async def teardown(self, worker: Worker) -> None:
        await asyncio.to_thread(self.desk.close)


async def greet(name: str, dask_worker: Worker) -> str:
    """How the desk of the plugin `name` greets."""
    desk = _desk(dask_worker, name)
    return await asyncio.to_thread(desk.greeting) if desk else _absent(dask_worker)


def grade_there(name: str, layers: tuple[str, ...], cells: str) -> str:
    """What the desk of the plugin `name` answers. The only task that a cluster is given."""
    worker = get_worker()
    desk = _desk(worker, name)
    return desk.answer(layers, cells) if desk else _absent(worker)


def _desk(worker: Any, name: str) -> Desk | None:
    return getattr(worker.plugins.get(name), "desk", None)


def _absent(worker: Any) -> str:
    return json.dumps({"worker": worker.address, "refused": "it was never prepared, but should have been."})
