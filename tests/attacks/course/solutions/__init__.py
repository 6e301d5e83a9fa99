"""The solutions of a course whose answers are objects of other libraries."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before the first `import keras`, which reads it once
