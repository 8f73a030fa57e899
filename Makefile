# Every target does its own set-up. Needs Python 3.11 or newer, make, and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := var/clients
BROWSER := var/browser
PORT ?= 8000
CHECK_SECONDS := 420
TEST_SECONDS := 900
# Modules run in the order of collection, those with slow tests first. Twice as many workers as cores,
# because tests with a browser or a second process wait half of their time.
WORKERS := -n 4 --dist loadfile --no-loadscope-reorder
# A pipe fails where any of its commands does.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
LINT := $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
DOCS := $(BIN)/sphinx-build -q -W --keep-going -b html docs var/docs
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q --extra build
# Every server and command that a test starts would compile all it imports anew.
unexport PYTHONDONTWRITEBYTECODE
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.DEFAULT_GOAL := help
.PHONY: help demo serve test check lint coverage docs trust bench clients browser screenshots lock clean

help: ## Say what can be made.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# `pip install '.[...]'` without -e replaces the editable install by a copy, from which the demo's
# simulator is missing: it is installed anew.
COPY := $(wildcard $(VENV)/lib/python*/site-packages/recommender/__init__.py)
$(COPY): ;
.PHONY: $(COPY)

$(VENV)/runtime: requirements.lock pyproject.toml $(COPY)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

clients: $(VENV)/runtime $(CLIENTS)/python/ready $(CLIENTS)/typescript/ready ## Build the client packages into var/clients/dist; URL=... for a running server's practice.
	@$(BIN)/python -m clients.build $(if $(URL),--url $(URL))

$(CLIENTS)/python/ready: requirements-clients.lock
	@test -x $(CLIENTS)/python/bin/python || $(PYTHON) -m venv $(CLIENTS)/python
	$(CLIENTS)/python/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-clients.lock
	@touch $@

$(CLIENTS)/typescript/ready: clients/typescript/package.json clients/typescript/package-lock.json
	@mkdir -p $(@D) && cp clients/typescript/package.json clients/typescript/package-lock.json $(@D)
	@if command -v npm >/dev/null; then cd $(@D) && npm ci --silent --no-audit --no-fund --ignore-scripts; \
	else echo "npm is missing: the TypeScript client is not tested"; fi
	@touch $@

browser: $(BROWSER)/ready ## Set up what looks at the pages: a Chromium, axe, and a renderer of forms.

$(BROWSER)/ready: tests/browser/package.json tests/browser/package-lock.json tests/browser/questions_form.js experiments/screenshots/chromium.py $(VENV)/dev
	@mkdir -p $(@D) && cp tests/browser/package.json tests/browser/package-lock.json tests/browser/questions_form.js $(@D)
	@if command -v npm >/dev/null; then cd $(@D) && npm ci --silent --no-audit --no-fund --ignore-scripts \
	&& npm run --silent bundle \
	|| echo "axe could not be installed: the staff pages are not looked at in a browser"; \
	else echo "npm is missing: the staff pages are not looked at in a browser"; fi
	@$(BIN)/python -m experiments.screenshots.chromium
	@touch $@

demo: $(VENV)/runtime ## Simulate, train, promote, serve and ask, in one go.
	@$(BIN)/python -m experiments.demo

serve: $(VENV)/runtime ## Serve the sample practice of the demo on this machine, until stopped; PORT=8000.
	@$(BIN)/python -m experiments.demo serve --port $(PORT)

check: $(VENV)/dev ## Format, lint, types, import contracts, fast tests; prints the slowest, and its time beside a budget.
	@date +%s > $(VENV)/check-began
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -q $(WORKERS) -m "not slow" --durations=15
	@echo "make check took $$(( $$(date +%s) - $$(cat $(VENV)/check-began) )) s; the budget is $(CHECK_SECONDS) s." \
	"Beyond it, mark the slowest tests above as slow or make them cheaper."

lint: $(VENV)/dev ## Format, lint, types and import contracts alone.
	$(LINT)

# Lint and docs use one core each, and the tests wait now and then: all three run at once.
test: $(VENV)/dev clients browser ## Everything that check does, slow tests but not long ones, and the docs site; slowest in var/durations.txt.
	@mkdir -p var; began=$$(date +%s); \
	{ { $(LINT) && $(DOCS); } > var/lint.log 2>&1 || { cat var/lint.log; exit 1; }; } & beside=$$!; \
	$(BIN)/pytest -q $(WORKERS) -m "not long" --durations=50 2>&1 | tee var/test.log; tested=$$?; \
	wait $$beside; linted=$$?; tail -n 3 var/lint.log; \
	took="make test took $$(( $$(date +%s) - began )) s; the budget is $(TEST_SECONDS) s."; \
	{ sed -n '/ slowest 50 durations /,/ in [0-9.]*s/p' var/test.log; echo "$$took"; } > var/durations.txt; \
	echo "$$took Beyond it, make the slowest tests of var/durations.txt cheaper."; exit $$(( tested | linted ))

coverage: $(VENV)/dev clients browser ## All tests with line and branch coverage; fails below the floor of pyproject.toml.
	$(BIN)/pytest -q $(WORKERS) --cov --cov-report=term --cov-report=html:var/coverage

docs: $(VENV)/dev ## Build docs/ and the API reference into var/docs; a broken link is an error.
	$(DOCS)
	@echo "Open var/docs/index.html"

trust: $(VENV)/dev ## What must hold on bad days too, as one table with figures; about an hour.
	$(BIN)/python -m experiments.trust
	EXAMPLES=all $(BIN)/pytest -q -n 2 -m "not slow or long" tests

bench: $(VENV)/dev ## Speed and memory, as ratios in one run.
	$(BIN)/python -m experiments.bench

screenshots: $(BROWSER)/ready ## Write a picture of every staff page into docs/screenshots.
	$(BIN)/python -m experiments.screenshots

lock: ## Resolve dependencies anew (needs uv); the present lock files are preferred versions.
	$(LOCK) pyproject.toml -o requirements-serve.lock
	$(LOCK) --extra registry --extra parquet pyproject.toml -o requirements-registry.lock
	$(LOCK) --extra train pyproject.toml -o requirements.lock
	$(LOCK) --extra train --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q requirements-clients.in -o requirements-clients.lock
	cd clients/typescript && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	cd tests/browser && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## Remove what was made: environment, caches, var/demo.
	rm -rf $(VENV) $(CLIENTS) $(BROWSER) var/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/docs var/coverage .coverage .coverage.*
