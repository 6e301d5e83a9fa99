"""A JupyterHub on this machine with the course in it: `autograder hub`."""
