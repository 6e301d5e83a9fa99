"""Where what is released can be had, read off the one address that `course.toml` gives. Pure.

    https://github.com/OWNER/REPO               a repository that holds release/, on its branch main
    https://github.com/OWNER/REPO/tree/BRANCH   the same on another branch
    https://HOST/FOLDER                         any other place that holds release/

Students' package is an asset of the repository's release v<version>, or lies in FOLDER.
"""

from __future__ import annotations

import re

from autograder import __version__

WHEEL = f"dmol_autograder-{__version__}-py3-none-any.whl"
"""What `pip wheel . --no-deps` makes."""

_GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?(?:/tree/([\w./-]+))?", re.ASCII)


def package(published: str) -> str:
    """What pip installs: the address of the students' wheel."""
    repository, _ = _github(published)
    if repository:
        return f"https://github.com/{repository}/releases/download/v{__version__}/{WHEEL}"
    return f"{published}/{WHEEL}" if published else ""


def sheet(published: str, chapter: str) -> str:
    """The address of a chapter's visible sheet."""
    repository, branch = _github(published)
    place = f"https://raw.githubusercontent.com/{repository}/{branch}" if repository else published
    return f"{place}/release/{chapter}/{chapter}.json" if published else ""


def colab(published: str, chapter: str) -> str:
    """What opens a chapter in Colab, which reads notebooks from GitHub alone."""
    repository, branch = _github(published)
    place = f"https://colab.research.google.com/github/{repository}/blob/{branch}"
    return f"{place}/release/{chapter}/{chapter}.ipynb" if repository else ""


def _github(published: str) -> tuple[str, str]:
    """Owner and repository, and the branch; nothing for another place."""
    found = _GITHUB.fullmatch(published)
    return (found[1], found[2] or "main") if found else ("", "")
