# `make` by itself explains the targets. ARGS is handed on: make demo ARGS=--once, make test ARGS="-k spool".

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONSTRAINTS := requirements/constraints.txt
BUILD_CONSTRAINTS := requirements/build-constraints.txt

# Packages are installed without byte code: Python writes that of what it imports, unless it may not.
unexport PYTHONDONTWRITEBYTECODE

# Install a Debian package where that may be done without asking.
apt = { command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || as="sudo -n"; } && \
	$$as apt-get update -qq && $$as apt-get install -qq -y --no-install-recommends $(1); }

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types bench docs constraints chromium postgresql clean

help: ## Explain these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: $(READY) ## Make .venv with trainboard and everything pinned; quick when nothing has changed

$(READY): pyproject.toml setup.py package.json package-lock.json $(CONSTRAINTS) $(BUILD_CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "trainboard needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "[1/2] Virtual environment in $(VENV), with $$($(PYTHON) --version)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV) && $(call apt,python3-venv) && \
		$(PYTHON) -m venv $(VENV); } || { rm -rf $(VENV); echo "Python's venv module is missing. On Debian: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "[2/2] trainboard and its pinned dependencies, PyTorch and TensorFlow too: minutes the first time"
	@$(BIN)/python -m pip install --quiet --upgrade --constraint $(CONSTRAINTS) pip
	@$(BIN)/pip install --no-compile --constraint $(CONSTRAINTS) --build-constraint $(BUILD_CONSTRAINTS) --editable '.[dev]'
	@touch $@

demo: setup ## Train four networks and watch them live; ARGS=--once ends after training
	@$(BIN)/trainboard demo $(ARGS)

test: setup chromium postgresql ## Run the tests, those in a browser and on PostgreSQL included
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder --reruns=1 -rR $(ARGS)

lint: setup ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check types; build/types shows checkers the package as it is installed
	@rm -rf build/types && mkdir -p build/types/trainboard
	@ln -s "$(CURDIR)"/src/trainboard/* "$(CURDIR)"/storage "$(CURDIR)"/loggers "$(CURDIR)"/dashboard \
		"$(CURDIR)"/examples build/types/trainboard/
	$(BIN)/pyright $(ARGS)

bench: setup ## Measure beside TensorBoard's SummaryWriter; ARGS=--write keeps the figures in RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

docs: setup chromium ## Remake the screenshots, then check the docs against the code
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/readers.py
	$(BIN)/pytest tests/test_docs.py

constraints: setup ## Write what .venv holds to requirements/constraints.txt, once it is proven
	@{ echo "# Exact versions of everything that CI proved together; remade by \`make constraints\`."; \
		$(BIN)/pip freeze --all --exclude-editable | sed 's/+[a-z0-9.]*$$//'; } > $(CONSTRAINTS)

chromium:
	@command -v chromium >/dev/null || $(call apt,chromium) || \
		echo "Chromium could not be installed; install it yourself to look at pages in a browser."

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || $(call apt,postgresql) || \
		echo "PostgreSQL could not be installed; install it yourself to run the tests on its engine."

clean: ## Remove what was built and cached, but neither .venv nor your stores
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis dashboard/assets/vendor
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -f $(READY)
