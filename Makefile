# One line of work a target; `make help` lists them. Everything runs in .venv, which any target makes when it is missing.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CONFIG ?= configs/embedded.yaml
RUN ?=
RUNS ?=
MODEL ?=
SPLIT ?= test
CORPUS ?= ../shared/corpus
RELEASES := runs/releases-data
ARGS ?=
STAMP := $(VENV)/.installed
BENCH := $(VENV)/.bench
export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-bench train evaluate compare report publish export verify-export releases evaluate-releases data check-data links coverage overlap statistics bench-quality bench-speed bench-memory test test-slow lint format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(STAMP) ## make the virtual environment and install the pinned packages

# A link leads into another checkout: installing there would point its environment at this one's code.
OWN_ENVIRONMENT = @test ! -L $(VENV) || { echo "error: $(VENV) is a symbolic link, another checkout's environment; remove the link" >&2; exit 1; }

$(STAMP): pyproject.toml constraints.txt
	$(OWN_ENVIRONMENT)
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

setup-bench: $(BENCH) ## also the packages of the peers that benchmarks compare with

$(BENCH): $(STAMP)
	$(OWN_ENVIRONMENT)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $(BENCH)

train: $(STAMP) ## train CONFIG, score it, export it (RESUME=1 goes on after an interruption; ARGS='training.epochs=5')
	$(PY) -m train.run --config $(CONFIG) $(if $(RESUME),--resume) $(ARGS)

evaluate: $(STAMP) ## score RUN=runs/… on SPLIT
	$(PY) -m train.evaluate $(RUN) --split $(SPLIT) $(ARGS)

compare: $(STAMP) ## compare RUNS="runs/a runs/b" (runs, checkpoints, wheels) on SPLIT: reports/*/report.html
	$(PY) -m train.compare $(RUNS) --split $(SPLIT) $(ARGS)

report: $(STAMP) ## report of one RUN=runs/… on SPLIT: scores with intervals, errors, articles
	$(PY) -m train.compare $(RUN) --split $(SPLIT) $(ARGS)

publish: $(STAMP) ## put the numbers of RUN=runs/… into docs/results/ and the README
	$(PY) -m train.publish $(RUN) $(ARGS)

export: $(STAMP) ## pack RUN=runs/… into dist/*.whl (ARGS='--precision fp32')
	$(PY) -m train.export $(RUN) $(ARGS)

verify-export: $(STAMP) ## compare RUN in torch, exported in fp32 and in int8, on dev and test
	$(PY) -m train.export $(RUN) --verify $(ARGS)

releases: $(STAMP) ## put data/releases (annotations of real press releases) and their texts in CORPUS=… together
	for split in train dev test; do \
	  $(PY) -m train.data attach data/releases/$$split.jsonl $(RELEASES)/attached/$$split.jsonl --corpus $(CORPUS) --force || exit 1; \
	done
	cat data/annotations/train.jsonl $(RELEASES)/attached/train.jsonl > $(RELEASES)/train.jsonl
	cat data/annotations/dev.jsonl $(RELEASES)/attached/dev.jsonl > $(RELEASES)/dev.jsonl
	cp $(RELEASES)/attached/test.jsonl $(RELEASES)/test.jsonl

evaluate-releases: releases ## score RUN=runs/… on the real press releases of SPLIT
	$(PY) -m train.evaluate $(RUN) --data $(RELEASES)/attached --split $(SPLIT) --output $(RUN)/releases

data: $(STAMP) ## compile the inline annotations to data/annotations/*.jsonl (ARGS='--folder DIR': to DIR/*.jsonl)
	$(PY) -m train.data compile $(ARGS)

check-data: $(STAMP) ## check the annotations (ARGS=--advice lists what wants a second look)
	$(PY) -m train.data check $(ARGS)

bench-quality: $(BENCH) ## train and score this project and its peers, write docs/quality.md (ARGS='--only crf')
	$(PY) -m benchmarks.quality $(ARGS)

bench-memory: $(STAMP) ## memory over 10,000 articles read with MODEL=folder
	$(PY) -m benchmarks.speed.memory $(MODEL) $(ARGS)

bench-speed: $(BENCH) ## measure how fast articles are read beside other ways, write docs/speed.md (ARGS='--threads 1 --no-write')
	$(PY) -m benchmarks.speed $(if $(RUN),--run $(RUN)) $(ARGS)

links: $(STAMP) ## score the rules for full names against the links written by hand for SPLIT
	$(PY) -m train.data links --split $(SPLIT) $(ARGS)

coverage: $(STAMP) ## compare the corpus with its plan (ARGS=--write renews COVERAGE.md)
	$(PY) -m train.data coverage $(ARGS)

overlap: $(STAMP) ## which persons, cities, bodies and fields of dev and test train has too
	$(PY) -m train.data overlap $(ARGS)

statistics: $(STAMP) ## tables and plots of the corpus in docs/statistics
	$(PY) -m train.data statistics --output docs/statistics $(ARGS)

test: $(STAMP) ## run the tests
	$(PY) -m pytest

test-slow: $(STAMP) ## run the tests that train, export and install
	$(PY) -m pytest -m slow

lint: $(STAMP) ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(STAMP) ## put the code into ruff's format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## remove caches and builds, not runs
	rm -rf dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
