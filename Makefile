# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    ?= runs/demo
TESTS  := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all lint tables figures reproduced docs bench clean

demo: $(VENV)/.demo
	$(BIN)/deconvgen train --config=dcgan:demo --workdir=$(RUN)
	$(BIN)/deconvgen evaluate --workdir=$(RUN)
	$(BIN)/deconvgen sample --workdir=$(RUN) --num=80

test: $(VENV)/.test lint
	$(BIN)/python -m pytest $(TESTS) -m "not slow"

test-all: $(VENV)/.test lint
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.docs  # NOTEBOOKS=off: without running them
	$(BIN)/python tools/site.py
	NOTEBOOKS=$(or $(NOTEBOOKS),force) $(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	@echo "open docs/_build/html/index.html"

bench: $(VENV)/.test  # more than an hour on two idle cores; PyTorch too, if installed
	$(BIN)/python benchmarks/train_step.py --batch=64 --record
	$(BIN)/python benchmarks/train_step.py --batch=128 --record
	$(BIN)/python benchmarks/train_step.py --part=demo --record
	$(BIN)/python benchmarks/train_step.py --part=wgan_gp --record
	$(BIN)/python benchmarks/train_step.py --part=r1 --record
	$(BIN)/python benchmarks/train_step.py --part=bfloat16 --record
	$(BIN)/python benchmarks/layers.py --record
	$(BIN)/python benchmarks/layers.py --only=ladder --plain --record
	$(BIN)/python benchmarks/sampling.py --record
	$(BIN)/python benchmarks/process.py --part=start --record
	$(BIN)/python benchmarks/process.py --part=set --batch=32 --record
	$(BIN)/python benchmarks/forms.py --record
	$(BIN)/python benchmarks/where.py --record
	$(BIN)/python benchmarks/results.py

tables: $(VENV)/.test  # docs/api.md, docs/keys.md and docs/measures.md
	$(BIN)/python tools/api.py
	$(BIN)/python tools/tables.py

figures: $(VENV)/.test  # README.md and docs/ from results/; ACCEPT=FILE,... of other code
	$(BIN)/python tools/figures.py --accept=$(ACCEPT)
	$(BIN)/python benchmarks/results.py

reproduced: $(VENV)/.test  # a row of each config in results/, trained again by this code
	$(BIN)/python tools/reproduced.py

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'deconvgen needs Python 3.11 or newer; name one with: make demo PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build docs/layers docs/messages.md docs/notebooks docs/pretrained docs/reference docs/starts
