PYTHON ?= python

.PHONY: check format inventory samples

check:  ## what runs in CI: style, types, layers, tests with doctests, notebooks
	$(PYTHON) .ci/check.py

format:
	$(PYTHON) -m ruff check --fix rca tests benchmarks
	$(PYTHON) -m ruff format rca tests benchmarks

inventory:  ## write the table of ARCHITECTURE.md again
	$(PYTHON) tests/test_architecture.py

samples:  ## write sample_data again
	$(PYTHON) -m rca.samples sample_data
