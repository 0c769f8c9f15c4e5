# Everything a newcomer needs: make demo, make test; make alone says what there is. Needs Python 3.11 or newer and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
RPC    := tests/peers/ocpp_rpc

.PHONY: help demo test bench lint docs lock clean

help:
	@echo "make demo              watch a car charge roam; Ctrl-C ends it, ARGS=--once lets it end by itself"
	@echo "make test              the whole suite, on an embedded PostgreSQL and Valkey; ARGS go to pytest"
	@echo "make bench             benchmarks, printed as ratios"
	@echo "make lint              ruff and mypy --strict"
	@echo "make docs              rebuild the tables and pictures of docs/, and the site"
	@echo "make lock              rebuild the lock files after a change of dependencies"
	@echo "make clean             remove $(VENV) and what the tools leave behind"
	@echo
	@echo "After make demo or make test: $(BIN)/ocpi-hub --help"

demo: $(VENV)/.ready
	@$(BIN)/ocpi-hub demo $(ARGS)

test: $(VENV)/.ready-dev $(VENV)/.ready-peers $(RPC)/node_modules/.ready
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

bench: $(VENV)/.ready-dev $(VENV)/.ready-peers
	$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.ready-dev
	$(BIN)/python docs/build.py

# The lock files carry hashes and no addresses; rerun after a change of pyproject.toml.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra embedded --extra build --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra embedded --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --output-file tests/peers/requirements.lock tests/peers/requirements.in

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("ocpi-hub needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.lock pyproject.toml $(VENV)/bin/python
	@echo "installing requirements.lock …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q ocpi_hub bridge_ocpp migrations
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@echo "installing requirements-dev.lock …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Foreign platforms clash with our dependencies. Where they cannot be installed, their tests are skipped and say so.
$(VENV)/.ready-peers: tests/peers/requirements.lock $(VENV)/bin/python
	@echo "installing tests/peers/requirements.lock …"
	@($(BIN)/python -m venv $(VENV)/peers && $(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r tests/peers/requirements.lock && touch $@) || echo "not installed: the tests with foreign platforms will be skipped"

# A charging station in JavaScript: the same, where npm is.
$(RPC)/node_modules/.ready: $(RPC)/package-lock.json
	@command -v npm >/dev/null || { echo "no npm: the tests with $(RPC) will be skipped"; exit 0; }; \
	echo "installing $(RPC)/package-lock.json …"; \
	(npm ci --prefix $(RPC) --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch $@) \
	  || echo "not installed: the tests with $(RPC) will be skipped"

clean:
	rm -rf $(VENV) $(RPC)/node_modules .pytest_cache .mypy_cache .ruff_cache site
