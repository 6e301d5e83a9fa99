"""Feedback and reports, which are made to be read alone -> the same with a way back, as the door shows them."""

from __future__ import annotations

import re

from autograder.hub.door import pages
from autograder.hub.door.pages import Frame

BODY = re.compile(rb"<body[^>]*>")


def with_way_back(page: bytes, frame: Frame, name: str) -> bytes:
    """The page, led by a link to the assignment `name` in the course. A file without a body is none of ours, and stays.

    The first `<body>` is the page's own: what students and teachers wrote comes after it, or is escaped.
    """
    found = BODY.search(page)
    if found is None:
        return page
    return page[: found.end()] + b"\n" + pages.way_back(frame, name).encode() + page[found.end() :]
