"""Started by `run_autograder`. `setup.sh` has put the engine where workers may read it, and the rest is here."""

import sys
from pathlib import Path

sys.path.insert(0, "/opt/autograder/engine")

from autograder.backends.gradescope.run import main

sys.exit(main(Path("/autograder"), look=sys.argv[1:] == ["--look"]))
