# Everything a developer or operator does, one word each. `make help` lists them.
SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready
CLUSTER_VENV ?= .venv-cluster
# Some machines switch byte code off; Airflow starts three times slower without it.
unexport PYTHONDONTWRITEBYTECODE
# Trust what the machine trusts: offices often sit behind a proxy with a certificate of its own.
export UV_SYSTEM_CERTS = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-cluster test-spark check format up down lock bundle bench clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@command -v python3 >/dev/null || { echo "python3 (3.11 or newer) is needed"; exit 2; }
	@python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "Python 3.11, 3.12 or 3.13 is needed"; exit 2; }
	@test -x $(BIN)/python || python3 -m venv .venv || { echo "python3-venv is needed: apt-get install python3-venv"; exit 2; }
	@echo "installing into .venv …"
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(READY)  ## run the sample town through the real DAGs; INPUT=DIR [FROM=… TO=…] for recorded material, PORT=8790
	@$(BIN)/caifeng demo $(if $(INPUT),--input "$(INPUT)") $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(PORT),--port $(PORT))

test: $(READY)  ## run the tests (no network, a few minutes)
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-all: $(READY)  ## run the long tests, too
	@$(BIN)/pytest -n 2 --dist loadgroup

test-spark: $(READY)  ## run the tests of the second engine; installs Spark into an environment of its own (Java 17)
	@command -v java >/dev/null || { echo "java (17 or newer) is needed: apt-get install default-jre-headless"; exit 2; }
	@test -x .venv-spark/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-spark
	@$(BIN)/uv pip install --quiet --python .venv-spark/bin/python --require-hashes -r requirements-spark.lock
	@$(BIN)/uv pip install --quiet --python .venv-spark/bin/python --no-deps --editable .
	@.venv-spark/bin/python -m pytest -n0 tests/spark

test-cluster: $(READY)  ## the pipeline on PostgreSQL, Redis and Celery workers that are killed (20 minutes); CLUSTER_VENV=DIR
	@test -x $(CLUSTER_VENV)/bin/python || $(BIN)/python -m venv $(CLUSTER_VENV)
	@$(BIN)/uv pip install --quiet --python $(CLUSTER_VENV)/bin/python --compile-bytecode --require-hashes -r requirements-cluster.lock
	@$(BIN)/uv pip install --quiet --python $(CLUSTER_VENV)/bin/python --no-deps --editable .
	@CLUSTER_VENV=$(abspath $(CLUSTER_VENV)) $(BIN)/pytest tests/cluster -m cluster -n 0

check: $(READY)  ## style, types, architecture, configuration
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/caifeng check
	@$(BIN)/caifeng taxonomy test

format: $(READY)  ## put the code into the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

up: $(READY)  ## start Airflow on http://localhost:8080 (PORT=…), data in var/
	@docker/airflow.sh up

down: $(READY)  ## stop it
	@docker/airflow.sh down

lock: $(READY)  ## resolve requirements.lock anew
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra dev pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header -c requirements.lock --extra cluster pyproject.toml -o requirements-cluster.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header -c requirements.lock --extra bench pyproject.toml -o requirements-bench.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header -c requirements.lock --extra dev --extra spark pyproject.toml -o requirements-spark.lock

bundle: $(READY)  ## one archive in build/ that installs on a machine without a network (docs/upgrade.md)
	@docker/bundle.sh

bench: $(READY)  ## measure, side by side with others; one JSON line each; CAIFENG_EVAL_DATA=DIR for real data
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-bench.lock
	@$(BIN)/caifeng bench

clean:  ## delete the environment, caches and demo data; var/ with real data stays
	rm -rf .venv .venv-cluster var/demo var/demo-input .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
