"""Batch norm's stored statistics against torch's own `update_bn`; and silence on models that only look as if theirs were wrong."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks import load
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of

NAME = "bn_stats_not_converged"
CHECK = load("evaluate", NAME)


def report(subject, **options):
    return list(ask("bias_variance", subject, **options))[-1]


def finding(answer):
    return next((f for f in answer.findings if f.name == NAME), None)


def error(net, data):
    with torch.no_grad():
        return float((net.eval()(data.tensors[0]).argmax(1) != data.tensors[1]).float().mean())


@pytest.fixture
def lagging():
    return CHECK.bad_examples[0]()


def test_the_errors_are_those_with_and_without_torchs_own_update(lagging):
    updated = copy.deepcopy(lagging.model)
    update_bn(DataLoader(lagging.train, 64), updated)
    before = state_of(lagging)
    answer = report(lagging)
    seen = finding(answer).evidence.facts[-1].seen
    wanted = [100 * error(copy.deepcopy(lagging.model), lagging.val), 100 * error(updated, lagging.val)]
    assert [float(part) for part in seen.replace(" %", "").partition(";")[0].split(" and ")] == pytest.approx(wanted, abs=3.0)
    assert answer.untouched and differences(before, state_of(lagging)) == []


def test_the_line_of_the_fix_runs_and_repairs(lagging):
    here = {"torch": torch, "model": lagging.model, "train_loader": DataLoader(lagging.train, 64)}
    exec(finding(report(lagging)).fix.code, here)
    assert finding(report(lagging)) is None and error(lagging.model, lagging.val) < 0.05


def right(output, target):
    return float((output.argmax(1) == target).float().mean())


@pytest.mark.parametrize("metric", ["loss", right])
def test_a_loss_or_a_metric_of_which_more_is_better_tells_it_too(lagging, metric):
    found = finding(report(Subject(lagging.model, lagging.loss_fn, train=lagging.train, test=lagging.val, metric=metric)))
    assert found is not None and found.confidence.value == "proven"


def test_without_training_data_nothing_is_said(lagging):
    assert finding(report(Subject(lagging.model, lagging.loss_fn, val=lagging.val))) is None


def healthy():
    subject = CHECK.good_examples[0]()
    return subject.model, subject.train, subject.val


def test_sorted_training_data_are_read_at_random():
    net, train, val = healthy()
    order = train.tensors[1].argsort()
    by_class = DataLoader(TensorDataset(*(t[order] for t in train.tensors)), 64)
    assert finding(report(Subject(net, nn.CrossEntropyLoss(), train=by_class, val=val))) is None


def test_other_data_that_new_statistics_of_train_make_no_better_are_no_sign():
    net, train, val = healthy()
    moved = TensorDataset(val.tensors[0] + 6.0, val.tensors[1])
    assert finding(report(Subject(net, nn.CrossEntropyLoss(), train=train, test=moved))) is None


def test_a_stream_and_one_batch_are_read_as_they_come(lagging):
    batches = [tuple(t[start : start + 50] for t in lagging.train.tensors) for start in range(0, 400, 50)]
    assert finding(report(Subject(lagging.model, lagging.loss_fn, train=batches, val=lagging.val))) is not None
    assert finding(report(Subject(lagging.model, lagging.loss_fn, train=tuple(lagging.train.tensors), val=lagging.val))) is None
