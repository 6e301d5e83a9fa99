#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python, the libraries, the engine, and a first look.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
umask 022

# The hidden checks lie here. Submissions run as another user.
chmod -R go-rwx /autograder/source

if ! command -v {{python}} >/dev/null; then
  apt-get update
  apt-get install -y --no-install-recommends {{python}} {{python}}-venv libxrender1 libxext6 || {
    echo "There is no {{python}} for this image: choose the base image Ubuntu 22.04 in the autograder's settings." >&2
    exit 1
  }
fi
{{python}} -m venv /opt/autograder/python
/opt/autograder/python/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
  --requirement /autograder/source/requirements.txt

# The sandbox's workers must be able to read the engine. It holds no answer.
mkdir -p /opt/autograder/engine
cp -R /autograder/source/engine/autograder /opt/autograder/engine/
chmod -R go+rX /opt/autograder/engine

# A chapter that cannot be read should fail here, and not with the first student.
/opt/autograder/python/bin/python -I /autograder/source/grade.py --look
