# The project's commands. `make help` explains them; each sets up what it needs.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
# Compiled code is kept, whatever the environment says of it: a box is five programs and the tests start hundreds, and
# without it each of the tests' workers would rewrite the asserts of all tests again.
export PYTHONDONTWRITEBYTECODE :=
# A stamp holds the hash of the lock it was made from: a changed lock is installed, a finished one is not again.
DEMO_STAMP := $(VENV)/.gateway400-demo
TEST_STAMP := $(VENV)/.gateway400-test

# Real calls wait more than they compute: five at a time keep two cores busy. How the tests are dealt out is in
# tests/support/dealing.py, which may be tried a second time in tests/support/repeats.py.
PYTEST := $(PYTHON) -m pytest -m "not accept" -n 5 --dist loadscope --no-loadscope-reorder
# Every branch of the rules is taken by one of their own tests. Those alone are watched: a watched line takes twice
# the CPU, and so does one that is only asked whether it is to be watched.
# They do not wait, so two at a time.
OF_RULES := tests/domain
RULES_WHOLE := --cov=appliance/domain --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

.DEFAULT_GOAL := help
.PHONY: help demo run test accept lint bench clean setup-demo setup-test setup-spark packages lock

help: ## Explain the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: setup-demo ## Carry one real call on the embedded switch, and show each step of it
	@$(PYTHON) -m appliance demo $(ARGS)

run: setup-demo ## Keep the appliance up with the demonstration's site; ^C ends it
	@$(PYTHON) -m appliance run $(ARGS)

test: setup-test packages ## Run the tests (at most 20 minutes)
	@$(if $(ARGS),$(PYTEST) $(ARGS),$(PYTEST) -n 2 $(OF_RULES) $(RULES_WHOLE); rules=$$?; \
		$(PYTEST) $(OF_RULES:%=--ignore=%) && exit $$rules)

accept: setup-test setup-spark packages ## Run the long, killing and timed checks and the bench; the report goes to reports/
	@mkdir -p reports
	@$(PYTHON) -m pytest -m accept --junitxml=reports/accept.xml $(ARGS)
	@$(if $(ARGS),,$(PYTHON) -m tests.bench | tee reports/bench.txt; exit $${PIPESTATUS[0]})

lint: setup-test ## ruff, mypy strict, import-linter
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: setup-test packages ## Measure calls against FreeSWITCH alone, rating against DuckDB alone (ARGS: cpu, like, rate, rating)
	@$(PYTHON) -m tests.bench $(ARGS)

lock: setup-test ## Make the hashed locks anew from pyproject.toml
	@.ci/lock

clean: ## Remove what the other commands made
	rm -rf $(VENV) run reports build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache webui/static/vendor
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-demo:
	@.ci/setup demo $(DEMO_STAMP)

setup-test:
	@.ci/setup test $(TEST_STAMP)

# Spark is 430 MB: only the long checks ask for it, and go on without where it cannot be had.
setup-spark: setup-test
	@$(PYTHON) -c 'import pyspark' 2>/dev/null || \
		$(PYTHON) -m pip install -qq --require-hashes --no-deps -r requirements/spark.lock || \
		echo "pyspark is not installed: its tests are skipped"

packages:
	@.ci/packages
