# The course kit. Every target works by itself on a fresh clone and sets up what it needs in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ASSIGNMENT ?=
MINUTES ?= 10
KILLS ?= 100
PORT ?= 8888
BENCH ?=
OPEN ?= yes
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup sandbox browser database demo test release grade audit formgrader bench soak fuzz lint format

help:  ## these, one line each
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## the virtual environment in .venv

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]' || $(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $(READY)

sandbox: $(READY)
	@scripts/install-bubblewrap

browser:
	@scripts/install-chromium

database:
	@scripts/install-postgresql

demo: sandbox  ## grade the example class in a course of its own, build/demo: table, class page, gradebook, feedback
	$(BIN)/python examples/demo.py

test: sandbox browser database  ## every test of the project
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

release: $(READY)  ## reference_solutions/ -> assignments/ and nbgrader's release
	$(BIN)/autograder release

grade: sandbox  ## grade the submitted folder into nbgrader's gradebook, write the class page: make grade ASSIGNMENT=slug
	@test -n "$(ASSIGNMENT)" || { echo "Name the assignment: make grade ASSIGNMENT=sgd_factorisation"; exit 2; }
	$(BIN)/autograder gradebook $(ASSIGNMENT)

audit: sandbox  ## grade the graders
	$(BIN)/autograder audit
	$(BIN)/python -m pytest tests/test_assignments.py -k own_checks --every-mistake

formgrader: sandbox  ## nbgrader's web page: make formgrader [PORT=8888] [OPEN=no] [AUTOGRADER_COURSE=build/demo]
	$(BIN)/autograder formgrader --port $(PORT) $(if $(filter no,$(OPEN)),--no-browser)

bench: sandbox  ## what grading costs, here and elsewhere, into benchmarks/results/ and docs/speed.md: make bench [BENCH=--quick]
	$(BIN)/python -m benchmarks $(BENCH)

soak: sandbox  ## 100 SIGKILLs while a class of 60 is graded, each followed by a resume: make soak [KILLS=100]
	$(BIN)/python -m benchmarks.soak $(KILLS)

fuzz: $(READY)  ## arbitrary bytes against the reader and the wire: make fuzz [MINUTES=10], minutes each
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install -q -e '.[fuzz]' || true
	$(BIN)/python -m benchmarks.fuzz $(MINUTES)

lint: $(READY)  ## formatter, linter, type checker
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)  ## let the formatter and linter mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
