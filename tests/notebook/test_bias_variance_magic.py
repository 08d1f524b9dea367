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


def unchanged(nb):
    """What a diagnosis may not change, as text."""
    state = "[t.tolist() for t in net.state_dict().values()], [m.training for m in net.modules()], len(net._forward_hooks)"
    return nb(f"repr(({state}, torch.get_rng_state().sum(), torch.is_grad_enabled()))").value


BAD = {
    "an empty split": ("empty = torch.utils.data.Subset(held_out, [])", "--val empty", "`empty` is empty"),
    "an empty loader": ("empty = torch.utils.data.DataLoader([], 4)", "--val empty", "`empty` is empty"),
    "one class": (
        "one = torch.utils.data.TensorDataset(held_out.tensors[0], 0 * held_out.tensors[1])",
        "--val one --metric auroc",
        "`auroc` has no value on `one`",
    ),
    "no numbers": ("net.weight.data.fill_(float('nan'))", "train_dl", "256 of 256 outputs of batch 1 are no numbers"),
    "a metric that fails": ("def mine(output, target):\n    raise KeyError(1)", "train_dl --metric mine", "`mine` fails on `train_dl`"),
    "a metric that gives many": ("def mine(output, target):\n    return output", "train_dl --metric mine", "`mine` fails on `train_dl`"),
    "a metric that gives none": ("def mine(output, target):\n    pass", "train_dl --metric mine", "`mine` fails on `train_dl`"),
    "labels out of range": (
        "far = torch.utils.data.TensorDataset(held_out.tensors[0], 7 + held_out.tensors[1])",
        "--val far --metric f1",
        "`f1` fails on batch 1",
    ),
    "no groups": ("", "train_dl --groups 'who'", "no groups in a batch by `who`"),
    "groups of another length": ("", "train_dl --groups (lambda batch: [1])", "gave 1 groups for 256 samples"),
    "no reference": ("", "--val held_out --reference 0.1", "`reference` is a float"),
    "no history": ("", "train_dl --history 'no/such.csv'", "can't be read"),
    "annotations of one": ("", "train_dl --annotations [[1],[2]]", "expected labels of two annotators"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_said_in_one_line_and_nothing_has_changed(nb, kind):
    before, options, line = BAD[kind]
    nb("net.train()")
    assert nb(before).error is None
    was = unchanged(nb)
    asked = nb(f"%bias_variance net criterion {options}")
    told = [text for text in (asked.out + asked.err).splitlines() if line in text]
    assert len(told) == 1, asked.out + asked.err
    assert "Traceback" not in asked.out + asked.err
    assert unchanged(nb) == was


def test_splits_that_overlap_are_found_and_said(nb):
    nb("whole = answers(400, 0)\nfirst, last = (torch.utils.data.Subset(whole, range(*ends)) for ends in ((0, 300), (250, 400)))")
    was = unchanged(nb)
    report = nb("%bias_variance net criterion --train first --val last").value
    assert report.findings[0].name == "train_val_leak" and not report.ok and unchanged(nb) == was
    assert "50 of the 150 samples of val stand in train, too (the same entries of one dataset)." in " ".join(repr(report).split())


def test_a_model_in_training_mode_is_measured_in_evaluation_mode_and_put_back(nb):
    nb("net = nn.Sequential(nn.Dropout(0.9), net).train()")
    was = unchanged(nb)
    report = nb("%bias_variance net criterion train_dl").value
    assert report.experiment.levels[0].value == pytest.approx(0.02) and unchanged(nb) == was
    assert "The model stands in training mode; it was measured in evaluation mode" in " ".join(repr(report).split())
    nb("net.eval()")
    assert "training mode; it" not in " ".join(repr(nb("%bias_variance net criterion train_dl").value).split())


def test_a_split_of_one_class_is_said(nb):
    nb("one = torch.utils.data.TensorDataset(held_out.tensors[0], 0 * held_out.tensors[1])")
    report = nb("%bias_variance net criterion train_dl --val one").value
    assert "val: all samples that were compared have the same target" in " ".join(repr(report).split())


def test_the_lines_that_cut_the_splits_run_in_the_next_cell(nb):
    report = nb("report = %bias_variance net criterion train_dl --test test_dl --make-splits\nreport").value
    lines = "\n".join(block.source for block in report.experiment.document() if type(block).__name__ == "Code")
    assert nb(lines).error is None
    assert nb("[len(part) for part in (train_val_set, train_set, test_val_set, test_set)]").value == [40, 360, 200, 200]


def test_a_reference_and_a_history_by_name(nb):
    nb("better = lambda x: net(x)\nlosses = [(1 / (i + 1), max(1 - i / 5, 0.4 + 0.03 * i)) for i in range(30)]")
    report = nb("%bias_variance net criterion --val held_out --reference better --history losses").value
    assert report.experiment.levels[0].given.startswith("reference") and report.experiment.terms[-1].paired
    assert [f.name for f in report.alarms] == ["problematic_overfit"]
    assert "is `net` itself" in str(nb("%bias_variance net criterion --val held_out --reference net").error)


def test_the_help_has_three_examples_and_completion_knows_the_splits(nb):
    text = nb("%bias_variance --help").out
    assert text.count("    %bias_variance") + text.count("= %bias_variance") == 3
    assert "--train-val" in text and "--human" in text and "--trials" in text


def test_the_door():
    import dldebug
    from dldebug_magics.checks.small_splits import answers, model

    report = dldebug.bias_variance(model(), train=answers(200, 20), test_val=answers(200, 20, 1), human=0.1, metric="error")
    assert report.ok and report.experiment.terms[0].value == pytest.approx(0.1)
