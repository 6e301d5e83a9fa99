"""Gradescope's autograder contract: the zip that instructors upload, what runs in its container, and its results.

`results` is pure; `bundle` makes the zip on the instructor's machine; `run` is started in the container.
"""
