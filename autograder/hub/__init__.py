"""What a JupyterHub needs of this course."""
