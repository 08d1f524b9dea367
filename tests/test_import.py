"""Importing and the door: what `import dldebug` costs, what it offers, and the Python functions behind the magics."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = "{'torch', 'numpy', 'IPython', 'ipywidgets', 'matplotlib', 'sklearn', 'scipy', 'pandas', 'optuna'}"


def python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()


def test_importing_imports_nothing_heavy():
    assert python(f"import sys, dldebug; dir(dldebug), dldebug.__version__; print(sorted({HEAVY} & set(sys.modules)))") == "[]"


def test_the_names_of_checks_and_experiments_cost_nothing():
    code = "import sys; from dldebug_magics import ask, reference; print(len(reference.names()), *ask.names(), 'torch' in sys.modules)"
    count, *names, torch_too = python(code).split()
    assert int(count) > 10 and "overfit_batch" in names and torch_too == "False"


def test_the_door_offers_what_it_lists():
    import dldebug
    import dldebug_magics

    listed = "Subject Report UserMistake explain overfit_batch load_ipython_extension unload_ipython_extension"
    assert set(dir(dldebug)) >= set(listed.split())
    for name in dir(dldebug):
        assert getattr(dldebug, name) is getattr(dldebug_magics, name)
    assert dldebug.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="overfit_batsh"):
        dldebug.overfit_batsh  # noqa: B018


def test_a_function_has_the_signature_and_the_page_of_its_experiment():
    import dldebug

    parameters = inspect.signature(dldebug.overfit_batch).parameters
    assert list(parameters)[:4] == ["model", "loss_fn", "optimizer", "train"]
    assert parameters["steps"].default == 300 and parameters["budget"].default == 60.0 and parameters["seed"].default == 0
    assert "%overfit_batch net" in dldebug.overfit_batch.__doc__ and dldebug.overfit_batch.__name__ == "overfit_batch"
    with pytest.raises(TypeError, match="stepz"):
        dldebug.overfit_batch(None, stepz=3)
    with pytest.raises(dldebug.UserMistake, match="`model` is a str"):
        dldebug.overfit_batch("net")


def test_a_function_gives_the_whole_report():
    import torch

    import dldebug

    torch.manual_seed(0)
    inputs = torch.randn(16, 4)
    net = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    batch = inputs, inputs[:, :2].argmax(1)
    report = dldebug.overfit_batch(net, torch.nn.CrossEntropyLoss(), optimizer, batch, steps=50, budget=5, names={"model": "classifier"})
    assert isinstance(report, dldebug.Report) and report.untouched and report.experiment.asked_steps == 50


def test_explain_gives_a_page_or_the_nearest_name():
    import dldebug

    page = dldebug.explain("lr_too_high")
    assert "lr_too_high" in repr(page) and page._repr_html_().startswith("<section")
    with pytest.raises(dldebug.UserMistake, match="did you mean lr_too_high"):
        dldebug.explain("lr_too_hihg")
