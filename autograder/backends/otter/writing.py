"""Writes Otter's results into a folder: `final_grades.csv`, and `results/<student>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.backends.otter.results import final_grades, results
from autograder.notebook.build import write
from autograder.records import Graded


def write_results(folder: Path, gradeds: Sequence[Graded], points: Mapping[str, float]) -> None:
    """Writes the results of a class, each file whole or not at all. `points` are those of each exercise."""
    for graded in gradeds:
        text = json.dumps(results(graded), indent=4, ensure_ascii=True)
        write(folder / "results" / f"{graded.student}.json", text + "\n")
    write(folder / "final_grades.csv", final_grades(gradeds, points))
