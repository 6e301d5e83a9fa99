"""The shapes of tests/notebooks are at hand here too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
