"""A strong reference bounds the irreducible error from above: on a held-out split, paired with the model there, and left as it is."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_splits import answers, evaluated, model
from dldebug_magics.document import as_text
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of


def report(subject, **options):
    return list(ask("bias_variance", subject, **options))[-1]


class Better(nn.Module):
    """Knows the labels of inputs whose third number says so; batch norm and dropout make it another one in train mode."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(2), nn.Dropout(0.9)

    def forward(self, x):
        right = torch.stack([-x[:, 2], x[:, 2]], 1)
        return self.drop(self.norm(torch.where(x[:, 3:] > 0, right, x[:, :2])))


class Worse(nn.Module):
    def forward(self, x):
        return x[:, :2]


def split(samples, wrong, known, seed=0):
    """Inputs on which `Worse` errs so often, of which `Better` knows some."""
    scores, labels = answers(samples, wrong, seed).tensors
    mistaken = torch.nonzero(scores.argmax(1) != labels)[:, 0][:known]
    flag = torch.zeros(samples)
    flag[mistaken] = 1.0
    return TensorDataset(torch.cat([scores, (2.0 * labels - 1)[:, None], flag[:, None]], 1), labels)


def test_its_error_on_a_held_out_split_is_the_irreducible_level_and_is_called_an_upper_bound():
    subject = Subject(Worse(), nn.CrossEntropyLoss(), train=split(500, 90, 90), val=split(500, 100, 60, 1))
    reference = Better().train()
    before = state_of(Subject(reference))
    answer = report(subject, reference=reference)
    first = answer.experiment.levels[0]
    assert (first.role, first.value, first.samples) == ("irreducible", pytest.approx(0.08), 500), "on val, where it errs 40 times"
    assert "reference, on val: what is irreducible is at most this" in " ".join(as_text(answer.experiment.document()).split())
    assert [term.name for term in answer.experiment.terms][:2] == ["irreducible error", "bias"]
    assert "irreducible_unknown" not in [f.name for f in answer.findings]
    assert differences(before, state_of(Subject(reference))) == [] and reference.training and answer.untouched


@pytest.mark.parametrize("groups", [None, lambda batch: (1e5 * batch[0][:, 0]).long() % 97])
def test_it_is_paired_with_the_model_on_the_same_split(groups):
    """Of 100 samples that the model has wrong the reference has 40: the interval of the difference is that of 60 of 500 (McNemar)."""
    split_of_both = split(500, 100, 60)
    loader = DataLoader(split_of_both, 64, shuffle=True)
    found = report(Subject(Worse(), nn.CrossEntropyLoss(), val=loader), reference=Better(), groups=groups).experiment
    term = found.terms[1]
    assert term.paired and term.value == pytest.approx(0.12)
    share = 60 / 500
    half = 1.96 * (share * (1 - share) / 500) ** 0.5
    tolerance = 0.008 if groups is None else 0.02
    assert term.interval.high - term.interval.low == pytest.approx(2 * half, abs=tolerance)
    assert "the reference was asked about the same samples" in " ".join(as_text(found.document()).split())


def test_it_is_paired_with_another_split_where_both_hold_the_same_groups():
    splits = {role: TensorDataset(*split(400, 80, 50, seed).tensors, torch.arange(400) % 40) for seed, role in enumerate(("train", "val"))}
    found = report(Subject(Worse(), nn.CrossEntropyLoss(), **splits), reference=Better(), groups=2).experiment
    assert [term.paired for term in found.terms] == [False, True, True]
    text = " ".join(as_text(found.document()).split())
    assert "Paired: bias and variance + distribution shift; both splits hold samples of the same groups" in text
    assert "the same samples" not in text


def test_a_function_that_gives_arrays_will_do_and_what_it_closes_over_stays():
    net = Better()
    before = state_of(Subject(net))

    def function(x):
        return net(x).numpy()

    subject = Subject(Worse(), nn.CrossEntropyLoss(), train_val=split(400, 80, 50), test=split(400, 90, 50, 1))
    answer = report(subject, reference=function)
    assert answer.experiment.levels[0].given.startswith("reference, on train_val") and answer.untouched
    assert differences(before, state_of(Subject(net))) == []
    asked = report(subject, reference=lambda x: numpy.stack([-x[:, 2], x[:, 2]], 1))
    assert asked.experiment.levels[0].value == 0


def test_the_order_of_trust():
    labels = numpy.array([[0, 0]] * 90 + [[0, 1]] * 10)
    known = {"reference": Worse(), "annotations": labels}

    def first(human=None, **options):
        subject = Subject(Worse(), nn.CrossEntropyLoss(), train=split(300, 60, 0), val=split(300, 60, 0, 1), human=human, target=0.01)
        found = report(subject, **options).experiment
        return [found.levels[0].given.split()[0], *(rung.given.split()[0] for rung in found.beside)]

    assert first(0.05, **known) == ["human", "annotators", "reference,", "target,"]
    assert first(**known) == ["annotators", "reference,", "target,"]
    assert first(reference=known["reference"]) == ["reference,", "target,"]


def test_a_model_that_beats_its_reference_is_told_so():
    found = report(evaluated(train=10, val=20), reference=lambda x: x[:, [1, 0]]).experiment
    assert "the level given is no floor" in " ".join(as_text(found.document()).split())


BAD = {
    "a number": (lambda: (evaluated(train=5, val=5), 0.1), "`reference` is a float"),
    "a class": (lambda: (evaluated(train=5, val=5), nn.Linear), "`reference` is the class Linear"),
    "no held-out split": (lambda: (evaluated(train=5), model()), "no held-out split"),
    "itself": (lambda: ((subject := evaluated(train=5, val=5)), subject.model), "is `model` itself"),
    "nothing to score": (lambda: (evaluated(train=5, val=5), lambda x: x.argmax(1)), "the reference: `error` fails on batch 1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_reference_is_said_in_one_line(kind):
    subject, reference = BAD[kind][0]()
    with pytest.raises(UserMistake) as mistake:
        report(subject, reference=reference)
    assert BAD[kind][1] in str(mistake.value) and "\n" not in str(mistake.value)
