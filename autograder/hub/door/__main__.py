"""The front door as a service of the hub: `python -m autograder.hub.door --course ROOT --state STATE`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from autograder.errors import AuthorError, OurError, UsageError
from autograder.hub.door.app import make_app, make_server
from autograder.hub.door.place import find_place
from autograder.hub.door.visit import Door
from autograder.hub.door.watch import Grader, Watch
from autograder.hub.door.work import Work
from autograder.settings import Service, Settings, read_service, read_settings


async def serve(settings: Settings, service: Service, formgrader: str | None) -> None:
    """Answers until it is told to stop, and then ends what it began."""
    place = find_place(settings)
    place.own.mkdir(parents=True, exist_ok=True, mode=0o700)
    work, grader = Work(place), Grader(place)
    watch = Watch(place, work.busy, grader.grade)
    base = service.prefix.split("services/")[0]
    where = formgrader or f"{base}services/{place.course.name}/formgrader/manage_assignments"
    app = make_app(Door(place, work, service.prefix, where), cookie_secret=os.urandom(32))
    address = urlsplit(service.url)
    server = make_server(app)
    server.listen(address.port or 0, address.hostname or "127.0.0.1")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    tasks = [asyncio.create_task(work.run()), asyncio.create_task(watch.run(grader.rest))]
    ended = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    work.close()
    for task in {ended, *tasks} - done:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await grader.close()
    for task in done:
        task.result()  # what went wrong ends the service, and the hub begins it again


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m autograder.hub.door", description=__doc__)
    parser.add_argument("--course", type=Path, required=True, help="the course's folder")
    parser.add_argument("--state", type=Path, required=True, help="the state folder, which holds the secret seed")
    parser.add_argument("--formgrader", help="where the formgrader is, as a path of the hub")
    options = parser.parse_args()
    settings = Settings(options.course.resolve(), options.state.resolve(), read_settings().trust)
    try:
        asyncio.run(serve(settings, read_service(), options.formgrader))
    except (UsageError, AuthorError, OurError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        raise SystemExit({AuthorError: 1, UsageError: 2, OurError: 3}[type(error)]) from None


if __name__ == "__main__":
    main()
