"""Submissions from an LMS's download, put where nbgrader looks for them.

`guard` opens the archive and says which members may be looked at; `senders` reads from their names who sent what (as
Canvas, Moodle and Gradescope name them); `roster` finds the student; `plan` decides; `place` writes. No name
from an archive ever becomes a path: a notebook lands under the student's id and the chapter's name, or nowhere.
"""
