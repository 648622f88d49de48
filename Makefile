# Few commands for people. Each bootstraps what it needs from a bare Python >= 3.11 with make.
.PHONY: help up services explorer test check bench prove format clean
SHELL := /bin/sh
PYTEST_WORKERS ?= 2
args = $(if $(PORT),--port $(PORT)) $(if $(DATA_DIR),--data-dir $(DATA_DIR)) $(if $(RESET),--reset) $(if $(MODE),--mode $(MODE))

help:
	@echo "make up      set up and run the whole store at http://localhost:4000/graphql"
	@echo "             (PORT=4001, DATA_DIR=path, RESET=1 starts with fresh demo data)"
	@echo "make explorer  build the explorer page from its npm sources, if they changed"
	@echo "make services  install and start PostgreSQL, Redis, RabbitMQ, Elasticsearch and nginx; then: make up MODE=services"
	@echo "             (storegraph services status | down)"
	@echo "make test    set up and run all tests"
	@echo "make check   format, lint, types, import rules, drift of the generated schemas"
	@echo "make bench   lists the benchmarks; NAME=peers runs one, see benchmarks/README.md"
	@echo "make prove   AREA=foundation (QUICK=1): what the project claims, measured beside its bounds"

# A store without its explorer is still a store: the build says in one line what it lacks, and the page how to build it.
up: .bootstrap-run
	@.venv/bin/python -m router.server.explorer.build || true
	@exec .venv/bin/storegraph up $(args)

services: .bootstrap-run
	@.venv/bin/storegraph services install
	@.venv/bin/storegraph services up --detach

explorer: .bootstrap-run
	@.venv/bin/python -m router.server.explorer.build

test: .bootstrap-dev
	@.venv/bin/python -m router.server.explorer.build
	.venv/bin/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

check: .bootstrap-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/pyrefly check
	.venv/bin/lint-imports
	.venv/bin/storegraph export-schema --check
	.venv/bin/storegraph export-observability --check

format: .bootstrap-dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: .bootstrap-dev
	.venv/bin/python -m benchmarks $(NAME)

prove: .bootstrap-dev
	@.venv/bin/python -m router.server.explorer.build
	@.venv/bin/python -m tests.prove $(AREA) $(if $(QUICK),--quick)

clean:
	rm -rf .venv .uv .storegraph .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.bootstrap-%:
	@PYTHON="$(or $(PYTHON),python3)" dev/bootstrap $*
