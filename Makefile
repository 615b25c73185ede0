# Two commands matter: `make demo` and `make test`. Both make .venv beside this file from pyproject.toml alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?=
UP ?=
# Tests in real time share one worker, to which the others give way; the longest begin first. See Rooms in tests/conftest.py.
WORKERS := --dist loadgroup --no-loadscope-reorder

.PHONY: demo test test-slow test-services up down soak bundle third-party locks site pictures clean

demo: $(VENV)/.app
	@sh .ci/system-packages
	$(BIN)/hemoview demo $(DEMO)

test: $(VENV)/.dev
	@sh .ci/system-packages tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 $(WORKERS)

test-slow: $(VENV)/.learn
	@sh .ci/system-packages tests
	$(BIN)/python -m pytest -n 3 $(WORKERS) -m "slow or learn" --timeout 600

# On real servers, started from Debian's packages and taken down again.
test-services: $(VENV)/.dev
	@sh .ci/system-packages services
	$(BIN)/python .ci/services.py $(BIN)/python -m pytest -n 2 $(WORKERS) --timeout 600 \
	  -m "services or not (slow or soak or learn)" tests/contracts/test_database.py tests/contracts/test_job_queue.py \
	  tests/contracts/test_blob_store.py tests/contracts/test_live_bus.py \
	  tests/contracts/test_live_transport.py tests/services tests/cloud

# The scaled-out service on this machine, for trying it; UP="--help" tells what can be asked for.
up: $(VENV)/.app
	@sh .ci/system-packages services
	@$(BIN)/python .ci/up.py $(UP)

down: $(VENV)/.app
	@$(BIN)/python .ci/up.py --down $(UP)

# Hours; by hand. Its log is quoted where its figures are.
soak: $(VENV)/.dev
	$(BIN)/python -m pytest -m soak --timeout 0 -s

# A folder with everything inside, for a bedside computer without Python: dist/hemoview.
bundle: $(VENV)/.dev
	$(BIN)/pyinstaller --noconfirm --log-level WARN --workpath build/bundle .ci/bundle/hemoview.spec
	@echo "dist/hemoview/hemoview is HemoView; copy the folder where it is needed."

third-party: $(VENV)/.dev
	$(BIN)/python .ci/third-party.py

# Every package of a site by version and hash; look at what changed before committing.
locks:
	@PYTHON=$(PYTHON) .ci/locks

# What a site is given: the wheel, and a bill of materials (CycloneDX) of all it installs.
site: $(VENV)/.dev
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist/site .
	for kind in bedside service; do \
	  $(BIN)/cyclonedx-py requirements --output-reproducible --of JSON -o dist/site/$$kind.cdx.json resources/locks/$$kind.txt; \
	done
	@echo "dist/site holds the wheel and its bills of materials; resources/docs/site.md says how it is installed."

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "HemoView needs Python 3.11 or newer; $(PYTHON) is older. Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.app: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[app,exchange,cloud]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[app,exchange,cloud,dev]'
	@touch $@ $(VENV)/.app

$(VENV)/.learn: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -e '.[learn]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Makes the pictures of README and guide; look at them before committing.
pictures: $(VENV)/.dev
	$(BIN)/python .ci/pictures.py
	@sh .ci/system-packages tests
	$(BIN)/python .ci/ward.py
