"""A JupyterHub with a course in it, and what people see there."""
