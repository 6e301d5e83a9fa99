"""Otter as its users know it: its assignments for students, its results for graders, and our verdicts in both.

Nothing here imports Otter. It would run a submission in a kernel and unpickle what that kernel wrote; here a submission
is read as text, graded by our engine, and only the files that Otter would have written are written.
"""
