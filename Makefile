# Every target that needs Python makes its own environment first, once: scripts/setup.sh.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
SETUP := @scripts/setup.sh

# Further arguments of the command that a target runs.
ARGS ?=
# Processes that share the tests.
JOBS ?= 2
# Per cent of the lines and branches of the kernels that the tests must reach.
COVERAGE_MIN ?= 95

.PHONY: help
help: ## List the targets
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo '  ARGS="..." is passed on, as in: make replay ARGS="--policy FGD"'

.PHONY: replay
replay: ## Replay the recorded GPU cluster into out/openb
	$(SETUP) report
	@$(BIN)/kilonova replay openb --out out/openb $(ARGS)

.PHONY: test
test: ## Run the tests
	$(SETUP) dev
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

# Questions for Kilonova, Placement and the oracle, or sequences of operations; SEED asks
# those of a run again.
N ?= 1000
SEED ?=

.PHONY: differential
differential: ## Compare with Placement on random questions: N=100000 SEED=1 JOBS=2
	$(SETUP) dev
	@PYTHONPATH=tests $(BIN)/python scripts/differential.py --cases $(N) \
		--jobs $(JOBS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: differential-nova
differential-nova: ## Compare with Nova's filters and weighers: N=10000 SEED=1
	$(SETUP) dev
	@$(BIN)/python -c 'import nova' 2>/dev/null || $(BIN)/pip install --quiet -e '.[nova]'
	@PYTHONPATH=tests $(BIN)/python scripts/differential_nova.py --cases $(N) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: differential-moves
differential-moves: ## Compare with all of Nova on random moves: N=100 SEED=1
	$(SETUP) dev
	@$(BIN)/python -c 'import nova, oslotest, wsgi_intercept' 2>/dev/null || \
		$(BIN)/pip install --quiet -e '.[nova-services]'
	@NUMBA_DISABLE_JIT=1 PYTHONPATH=tests \
		$(BIN)/python -W ignore::RuntimeWarning scripts/differential_moves.py \
		--cases $(if $(filter-out file,$(origin N)),$(N),100) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: simulate
simulate: ## Move servers at random, with faults, and check: N=100000 SEED=1
	$(SETUP) dev
	@PYTHONPATH=tests $(BIN)/python scripts/simulate.py --sequences $(N) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: lint
lint: ## Check style and types
	$(SETUP) dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: format
format: ## Rewrite the code in the house style
	$(SETUP) dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Compiled code is invisible to coverage, so the kernels run as plain Python here. Tests
# that would take too long that way are marked `jit`. Whole numbers wrap around as they do
# in compiled code, but numpy warns of it.
.PHONY: coverage
coverage: ## Show which lines of the kernels the tests reach
	$(SETUP) dev
	@NUMBA_DISABLE_JIT=1 $(BIN)/coverage run --branch --source=kilonova_kernels \
		-m pytest -m "not jit" -W "ignore:overflow encountered:RuntimeWarning" $(ARGS)
	@$(BIN)/coverage report --show-missing --skip-covered --fail-under=$(COVERAGE_MIN)

.PHONY: bench
bench: ## Run the benchmarks, and write bench/RESULTS.md and its picture: ten minutes
	$(SETUP) dev
	@$(BIN)/python -c 'import nova' 2>/dev/null || $(BIN)/pip install --quiet -e '.[nova]'
	@$(BIN)/python scripts/measure_bench.py $(ARGS)

.PHONY: gates
gates: ## Hold the bounds of bench/gates.toml, ratios measured in pairs: a minute
	$(SETUP) dev
	@$(BIN)/kilonova bench --gates bench/gates.toml $(ARGS)

.PHONY: figures
figures: ## Measure again what README.md shows
	@$(MAKE) --no-print-directory start-times
	@$(BIN)/python scripts/measure_published.py

.PHONY: start-times
start-times: ## Measure cold and warm start and write them into README.md
	$(SETUP) report
	@$(BIN)/python scripts/measure_start.py $(ARGS)

.PHONY: clean
clean: ## Remove outputs and caches
	rm -rf out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	rm -f .coverage
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove outputs, caches and .venv
	rm -rf .venv
