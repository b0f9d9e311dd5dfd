# What a person types. `make help` lists it; CI calls the same targets.
SPEC ?= search_spaces/examples/digits.yaml
ARGS ?=
# Of the environment; none takes the newest on the PATH.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PORT ?= 5000
RAY_PORT ?= 6379
DASHBOARD_PORT ?= 8265
MLFLOW_PORT ?= 5000
POSTGRES_PORT ?= 5432

export RAY_ADDRESS

.DEFAULT_GOAL := help
.PHONY: help setup sweep validate plan ui cluster cluster-down test test-cluster test-lowest lint format type check bench calibration evidence faults clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the pinned versions (done once)

$(READY): infra/constraints.txt infra/hashes.txt infra/hashes-dev.txt pyproject.toml
	@test -x $(BIN)/python || { python=$$(sh infra/newest_python.sh '$(PYTHON)') && \
		echo "setting up $(VENV) with $$python: some minutes, once" && "$$python" -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c infra/constraints.txt 'torch==2.13.0'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r infra/hashes.txt -r infra/hashes-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c infra/constraints.txt -e '.[dev]'
	@touch $@

# A Jobs address of a cluster: the sweep runs there, and this machine may go.
RUN := $(if $(filter http://% https://%,$(RAY_ADDRESS)),submit,run)

sweep: setup ## Run a sweep file: make sweep SPEC=path
	@$(BIN)/sweeps $(RUN) '$(SPEC)' $(ARGS)

validate: setup ## Check a sweep file: make validate SPEC=path
	@$(BIN)/sweeps validate '$(SPEC)' $(ARGS)

plan: setup ## Show what a sweep file would run, and how long it takes
	@$(BIN)/sweeps plan '$(SPEC)' $(ARGS)

ui: setup ## Open the MLflow UI on what was recorded: make ui PORT=5000
	@$(BIN)/sweeps ui --port $(PORT)

cluster: setup ## Start Ray, PostgreSQL and MLflow here: make cluster RAY_PORT=6379
	@$(BIN)/sweeps cluster up --port $(RAY_PORT) --dashboard $(DASHBOARD_PORT) \
		--mlflow $(MLFLOW_PORT) --postgres $(POSTGRES_PORT) $(ARGS)

cluster-down: setup ## Stop what make cluster started
	@$(BIN)/sweeps cluster down $(ARGS)

test: setup ## Run the tests of one machine
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not cluster' $(ARGS)

test-cluster: setup ## Run the tests that start a cluster and servers
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m cluster $(ARGS)

# On the lowest Python, too: these versions have no wheels for later ones. Its environment stays,
# so that a second time is quick.
LOWEST := .venv-lowest
test-lowest: ## Run the unit tests with the lowest versions that pyproject.toml allows
	@test -x $(LOWEST)/bin/python || "$$(sh infra/newest_python.sh '$(or $(PYTHON),python3.11)')" -m venv $(LOWEST)
	@$(LOWEST)/bin/python -m tests.lowest_versions > $(LOWEST)/constraints.txt
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c $(LOWEST)/constraints.txt -e '.[dev]'
	@$(LOWEST)/bin/python -m pytest -n 2 --dist loadfile -W default \
		-m 'not ray and not cluster and not browser and not gpu' \
		$(ARGS)

lint: setup ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

type: setup ## Check types
	@$(BIN)/mypy

check: lint type ## lint and type

bench: setup ## Measure against the bare loop, Optuna and stock Ray Tune
	@$(BIN)/python -m tests.benchmarks $(ARGS)

calibration: setup ## Measure how often each sentence of the report is wrong; writes docs/truth.md
	@$(BIN)/python -m tests.calibration $(ARGS)

STUDY ?=
evidence: setup ## Try claims out, into docs/evidence: make evidence STUDY=random_search
	@$(BIN)/python -m tests.evidence $(STUDY) $(ARGS)

faults: setup ## Break sweeps in every way that is known (half an hour); writes docs/reliability.md
	@$(BIN)/python -m tests.reliability $(ARGS)

clean: ## Delete caches and the environment; runs/ stays
	@rm -rf $(VENV) $(LOWEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
