# Two commands do everything: `make demo` and `make test`. Both install what they need first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install tensorflow sandbox browser postgres proxy demo hub test lint fuzz long verify bench lock clean

demo: install sandbox
	$(BIN)/autograder demo

# A JupyterHub on this machine, with a sample instructor and two students; built chapters make its start short.
hub: install sandbox proxy
	@test -n "$(wildcard source/*/*.ipynb)" || $(BIN)/autograder build
	$(BIN)/autograder hub --demo

test: install tensorflow sandbox browser postgres proxy lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# TensorFlow is for tests and benchmarks: a course needs it only if its students use it.
tensorflow: .venv/tensorflow

.venv/tensorflow: requirements-tensorflow.lock .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-tensorflow.lock
	touch $@

# The sandbox's outer layer is Debian's bubblewrap. `autograder doctor` says what its absence means.
sandbox:
	@command -v bwrap >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq bubblewrap; \
	  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq bubblewrap; \
	  else echo "bubblewrap is not installed and this user may not install it: ask an administrator for 'apt-get install bubblewrap'."; fi; }

# Tests look at pages in Debian's chromium, to see that nothing of a student's runs there.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq chromium; \
	  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq chromium; \
	  else echo "chromium is not installed and this user may not install it: the tests that need it are skipped."; fi; }

# Tests keep a gradebook and a hub's users on a real PostgreSQL, which they start and stop.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq postgresql; \
	  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq postgresql; \
	  else echo "PostgreSQL is not installed and this user may not install it: the tests that need it are skipped."; fi; }

# JupyterHub's proxy runs on Node.js, 20 or newer.
proxy: .venv/node/installed

.venv/node/installed: .venv/installed
	@command -v npm >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq nodejs npm; \
	  else echo "Node.js is not installed and this user may not install it: ask for Node.js 20 or newer."; exit 1; fi; }
	npm install --silent --no-fund --no-audit --prefix .venv/node configurable-http-proxy@5
	touch $@

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/environment.py --check

# Random and damaged input for all that reads a stranger's bytes.
MINUTES ?= 10
fuzz: install
	nice -n 19 $(BIN)/python tests/fuzz/fuzzing.py $(MINUTES)

# What takes minutes: graders killed at random moments of a class of sixty, twenty seeds, real chapters in odd shapes, every
# chapter's sample class graded by every way.
long: install sandbox
	$(BIN)/python -m pytest -m long -s

verify: install
	$(BIN)/autograder verify

bench: install sandbox
	$(BIN)/python benchmarks/client.py

# The exact versions and hashes of everything, without the address of any index. What TensorFlow adds is apart.
COMPILE = $(BIN)/uv pip compile pyproject.toml --extra grader --extra lti --extra scale --extra postgres --extra hub --extra test --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
lock:
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra tensorflow --output-file .venv/all.lock
	$(COMPILE) --constraint .venv/all.lock --output-file requirements.lock
	$(BIN)/python scripts/environment.py
	$(BIN)/python scripts/gpu_lock.py

clean:
	rm -rf .venv build dist *.egg-info submitted autograded feedback reports gradebook.db*
