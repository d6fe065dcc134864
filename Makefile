# Everything a user runs. `make help` lists it.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup reproduce side-by-side test fuzz torture verify bench bench-gpu docs lint notebooks clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## make .venv with the pinned packages and wstal itself

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
	  { echo "wstal needs Python 3.11 or 3.12; name one with make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Stages side by side: a line of them on each core, by a dvc of its own. What fails there fails again at the end, and is told.
CORES := $(shell getconf _NPROCESSORS_ONLN)
lines = dvc stage list --name-only | sed -n
each = WSTAL_CORES=1 xargs -P $(CORES) -L 1 dvc --wait-for-lock repro --single-item

reproduce: setup ## run the whole pipeline into reports/; SEEDS=3: a first look with so many seeds, in .cache/seeds-3
ifdef SEEDS
	python -m wstal.app.first_look $(SEEDS)
	PYTHONPATH="$(CURDIR)/.cache/seeds-$(SEEDS)" $(MAKE) -C .cache/seeds-$(SEEDS) SEEDS= reproduce
else
	wstal check
	dvc repro plan
	dvc status --quiet || $(MAKE) side-by-side
	dvc repro --keep-going
	python -m wstal.app.costs
endif

side-by-side:
	-$(lines) 's/^features@\(.*\)/annotations@\1 features@\1/p' | $(each)
	-dvc repro networks
	-$(lines) 's/^results@\(.*\)/train@\1 results@\1/p; /^lessons@/p; /^backbones$$/p; /^speed$$/p' | $(each)
	-$(lines) '/^ensemble@/p' | $(each)

test: setup lint ## the whole test suite: pytest with its coverage, then nbval on the notebooks
	python -m pytest -n 2 --dist loadfile --cov=wstal
	rm -rf .cache/smoke
	python -m pytest -n 2 --dist loadfile -p no:cacheprovider --nbval-lax --nbval-current-env notebooks
	python -m pytest -p no:cacheprovider --nbval --nbval-current-env reports/notebooks/06_tables.ipynb

fuzz: setup ## read 50,000 damaged files of every format; what fails belongs into tests/fuzz/corpus
	WSTAL_FUZZ=50000 python -m pytest -n 2 -p no:cacheprovider tests/fuzz

torture: setup ## kill all that writes at random moments, and run it again; a table of the results into reports/torture.md
	python scripts/torture.py

verify: setup ## run the pipeline in a fresh clone, and compare; STAGE=plan for one stage and what it depends on
	python -m wstal.app.verify $(STAGE)

bench: setup ## what a CPU takes, beside the straightforward way, into reports/benchmarks; notebooks/07_speed.ipynb draws it
	python scripts/bench.py

bench-gpu: setup ## what a GPU takes for training, networks, flow and extraction, into reports/benchmarks; within 8 minutes
	python scripts/bench.py gpu

docs: setup ## build the site with documents, a page a method and the API into build/docs; open build/docs/reports/index.html
	python -m wstal.site build/docs

lint: setup ## code style, docstrings, types and params.yaml, as before every commit
	pre-commit run --all-files

notebooks: setup ## open the notebooks in JupyterLab
	jupyter lab notebooks

clean: ## remove the environment and everything that can be made again, but not DVC's cache
	rm -rf .venv .cache .pytest_cache .ruff_cache build *.egg-info
