"""Reference solutions, one module a chapter: an ordinary library that knows nothing of grading."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before the first `import keras`, which reads it once
