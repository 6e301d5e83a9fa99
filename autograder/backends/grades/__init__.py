"""Grades for the outside: one table, read from the gradebook or from reports, written as the file that an LMS takes.

`table` says what a grade is and which may leave; `cells` changes single cells of a CSV and no other byte; `canvas`,
`moodle`, `gradescope` and `plain` know one format each. None of these opens a file; `files` does.
"""
