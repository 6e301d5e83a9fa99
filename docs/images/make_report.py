"""Draws report-light.png and report-dark.png: the top of the class report, from the class that `make demo` has graded.

    python docs/images/make_report.py [--reports FOLDER] [--all FOLDER]

With `--all`, the whole page is photographed into FOLDER: light, dark, and as narrow as a phone.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from autograder.classroom.writing import class_reports, write_page
from autograder.course import load_course

HERE = Path(__file__).resolve().parent
DARK = "--blink-settings=preferredColorScheme=0"


def photograph(page: Path, target: Path, width: int, height: int, *flags: str) -> None:
    """The page as Chromium draws it."""
    browser = next(b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b)
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = [f"--window-size={width},{height}", f"--screenshot={target.resolve()}"]
    subprocess.run([browser, *quiet, *flags, *size, page.as_uri()], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=Path, default=HERE.parents[1] / "reports" / "kernel")
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    course = load_course(HERE.parents[1])
    (report,) = class_reports(course, ("kernel",), sources=(options.reports,))
    with tempfile.TemporaryDirectory() as folder:
        page = write_page(course, report, Path(folder))
        photograph(page, HERE / "report-light.png", 860, 1390)
        photograph(page, HERE / "report-dark.png", 860, 1390, DARK)
        if options.all:
            options.all.mkdir(parents=True, exist_ok=True)
            photograph(page, options.all / "light.png", 1000, 3000)
            photograph(page, options.all / "dark.png", 1000, 3000, DARK)
            photograph(page, options.all / "phone.png", 500, 3600)


if __name__ == "__main__":
    main()
