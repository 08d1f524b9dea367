"""`%bias_variance` as a user types it, in a real shell with the real engine."""

from __future__ import annotations

import pytest

SET_UP = """
import torch
from torch import nn
from dldebug_magics.checks.small_splits import answers, model
net, criterion = model(), nn.CrossEntropyLoss()
train_dl, held_out, near_test, test_dl = (answers(400, wrong, seed) for seed, wrong in enumerate((8, 80, 88, 90)))
"""


@pytest.fixture
def nb(run):
    assert run(SET_UP).error is None
    return run


def test_all_splits_by_name(nb):
    splits = "--train train_dl --train-val held_out --test-val near_test --test test_dl"
    line = f"%bias_variance net criterion {splits} --human 0.02 --metric error"
    report = nb(line).value
    assert [rung.role for rung in report.experiment.levels] == ["irreducible", "train", "train_val", "test_val", "test"]
    assert [f.name for f in report.alarms] == ["overfitting"]
    assert "WARNING, likely: overfitting" in nb(f"report = {line}\nprint(report)").out


def test_any_subset_of_the_splits(nb):
    report = nb("%bias_variance net criterion --val near_test --test test_dl").value
    assert [rung.given for rung in report.experiment.levels] == ["val", "test"]


def test_no_training_data_are_guessed_beside_splits_that_are_named(nb):
    nb("from torch.utils.data import DataLoader\nloader = DataLoader(test_dl, 32)\nother = DataLoader(near_test, 32)")
    nb("first, second = (torch.optim.SGD(net.parameters(), 0.1) for _ in range(2))")
    report = nb("%bias_variance net --test loader").value
    assert [level.given for level in report.experiment.levels] == ["test"] and report.ok
    nb("del other")
    assert [level.given for level in nb("%bias_variance net").value.experiment.levels] == ["train"]


def test_a_metric_by_name_or_by_expression(nb):
    assert nb("%bias_variance net criterion train_dl --metric sklearn.f1_score").value.experiment.metric == "f1_score"
    nb("def mine(output, target):\n    return (output.argmax(1) != target).float().mean()")
    report = nb("%bias_variance net criterion train_dl --metric mine").value
    assert report.experiment.metric == "mine" and report.experiment.levels[0].value == pytest.approx(0.02)
    assert "no name `mien` here" in str(nb("%bias_variance net criterion train_dl --metric mien").error)
    assert "no metric `eror` here; did you mean `error`?" in str(nb("%bias_variance net criterion train_dl --metric eror").error)
    nb("error = 0.3")
    assert nb("%bias_variance net criterion train_dl --metric error").value.experiment.metric == "error"


def test_what_subject_keeps_is_used(nb):
    nb("%subject net criterion None train_dl --metric f1 --human 0.99 --test-val near_test")
    seen = nb("%bias_variance").value.experiment
    assert seen.metric == "f1" and [level.role for level in seen.levels] == ["irreducible", "train", "test_val"]


def test_the_help_has_three_examples_and_completion_knows_the_splits(nb):
    text = nb("%bias_variance --help").out
    assert text.count("    %bias_variance") + text.count("= %bias_variance") == 3
    assert "--train-val" in text and "--human" in text and "--trials" in text


def test_the_door():
    import dldebug
    from dldebug_magics.checks.small_splits import answers, model

    report = dldebug.bias_variance(model(), train=answers(200, 20), test_val=answers(200, 20, 1), human=0.1, metric="error")
    assert report.ok and report.experiment.terms[0].value == pytest.approx(0.1)
