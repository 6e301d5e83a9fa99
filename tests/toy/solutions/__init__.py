"""The solutions of a toy course. A package of its own, so that no other course's `solutions` is taken for it."""
