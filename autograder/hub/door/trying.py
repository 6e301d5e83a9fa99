"""The process that grades submissions as they come: `python -m autograder.hub.door.trying --course ROOT --state STATE`.

It reads requests and writes results, a line of JSON each, and keeps sessions open in between. It has none of the hub's
tokens, and a state folder of its own: the hidden checks here are drawn from another secret than those that count.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from autograder.batch import grade_file
from autograder.kept import record_to_text
from autograder.records import Graded
from autograder.sandbox.pool import open_sandbox
from autograder.session import Session, open_session
from autograder.settings import Settings
from autograder.turn import take_turn

OWN = "tries"
"""The folder inside the state folder that holds the seed of tries."""


def own_settings(settings: Settings) -> Settings:
    """The same course with another secret."""
    return Settings(settings.root, settings.state / OWN, settings.trust)


def serve(settings: Settings, requests: IO[str], results: IO[str]) -> None:
    """Answers every request until there are no more."""
    sessions: dict[str, Session] = {}
    with ExitStack() as stack:
        for line in requests:
            request = json.loads(line)
            chapter = request["chapter"]
            try:
                with take_turn(settings, lambda text: print(text, file=sys.stderr)):
                    if chapter not in sessions:
                        sessions[chapter] = stack.enter_context(
                            open_session(own_settings(settings), chapter, open_sandbox)
                        )
                    graded = grade_file(sessions[chapter], request["student"], Path(request["path"]))
            except Exception as error:  # ours or the author's; the class's grading will say more
                graded = _failed(request, error)
            results.write(record_to_text(graded) + "\n")
            results.flush()


def _failed(request: dict[str, Any], error: Exception) -> Graded:
    print(f"{request['chapter']}: {error}", file=sys.stderr)
    return Graded(request["student"], "", "failed-ours", message="The grader failed, through no fault of yours.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--course", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no result
    serve(Settings(options.course.resolve(), options.state.resolve()), sys.stdin, results)


if __name__ == "__main__":
    main()
