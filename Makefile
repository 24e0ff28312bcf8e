PYTHON ?= python3
BIN = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install demo format quick lint types contracts test coverage faults fuzz mutations words sure bench smoke lock clean

help:  ## show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/pytest: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

install: $(BIN)/pytest  ## make .venv with everything for development

demo: install  ## run the demonstration on http://127.0.0.1:8000
	$(BIN)/flask demo

format: install  ## write the code in its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

quick: install  ## lint, types and the tests of what changed since origin/main, in half a minute
	$(BIN)/python -m tests.quick

lint: install  ## check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install  ## check the types
	$(BIN)/mypy

contracts: install  ## check which way imports point
	$(BIN)/lint-imports

test: install  ## run the tests, faults included
	$(BIN)/pytest

coverage: install  ## run the tests and ask for 95 % of branches
	$(BIN)/pytest -n 2 --dist worksteal --ignore tests/faults -m "not measures_cpu" --cov --cov-report=term --cov-fail-under=95
	$(BIN)/pytest -n 3 --dist loadscope tests/faults
	$(BIN)/pytest -n 2 -m measures_cpu

faults: install  ## every test in its long form; what the fault suite reports goes into docs/reliability.md
	rm -f build/faults.jsonl && mkdir -p build
	LEADINTAKE_FAULTS=full LEADINTAKE_FAULT_REPORT=$(CURDIR)/build/faults.jsonl $(BIN)/pytest
	$(BIN)/python -m tests.faults build/faults.jsonl

fuzz: install  ## throw dice for what makes a request or a document dear (FUZZ_SECONDS, 600 of them)
	$(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),600)

mutations: install  ## take each safeguard away in a copy and see which test misses it
	$(BIN)/python -m tests.mutations

words: install  ## bring new sentences into the translations, and compile these
	mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg --no-location --sort-output -o build/messages.pot .
	$(BIN)/pybabel -q update -i build/messages.pot -d leadintake/core/i18n/translations -w 100 \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d leadintake/core/i18n/translations --statistics

sure: lint types contracts coverage  ## every gate, as the landing run has them

bench: install  ## measure, every figure as a ratio
	$(BIN)/python -m benchmarks

smoke: install  ## run every benchmark with next to nothing, to see that it runs
	SMOKE=1 $(BIN)/python -m benchmarks

lock: install  ## write the versions in use to constraints.txt
	(echo '# The versions this project is developed and tested with (make lock).'; \
	 $(BIN)/pip freeze --exclude-editable | grep -v leadintake) > constraints.txt

clean:  ## remove what can be made again
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage*
