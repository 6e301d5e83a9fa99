"""The same grading on many processes or machines, by Dask. Nothing here is imported unless a scheduler is asked for.

The processes of a cluster trust each other: they exchange pickles, the hidden sheet and the references, so they talk
through TLS. A submission goes there as JSON, without its student's name, and a record comes back as JSON; what its code
puts out is never part of a pickled object. Whoever gave the command writes reports and what is kept; workers write
nothing.
"""
