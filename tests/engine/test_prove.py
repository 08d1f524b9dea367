"""Proof by cure: what is repaired is proven, what is unchanged is ruled out, two faults are found in a pair, the budget is kept."""

from __future__ import annotations

import copy
import dataclasses
import time

import pytest
import torch
from torch import nn

from dldebug_magics.ask import ask
from dldebug_magics.ask import experiment as ask_for
from dldebug_magics.checks.small_data import classes
from dldebug_magics.engine.evidence import Confidence
from dldebug_magics.engine.subject import Subject


def program(*closing, rate=1e-2, **settings):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), *closing)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=rate, **settings), classes())


def diagnosed(subject, **options):
    return list(ask("overfit_batch", subject, **options))[-1]


def test_the_proof_is_the_curve_of_the_cured_copy():
    finding = diagnosed(program(nn.Softmax(dim=1))).findings[0]
    assert finding.confidence is Confidence.PROVEN
    assert finding.cured.final < 0.1 < finding.cured.first


def test_unchanged_suspects_are_ruled_out():
    """Weight decay is there and harmless; the softmax is the fault. With a wrong first suspect both are tried."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    dead = nn.Sequential(*net, nn.Linear(10, 10))
    nn.init.zeros_(dead[-1].weight).requires_grad_(False)
    dead[-1].bias.requires_grad_(False)
    report = diagnosed(Subject(dead, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2, weight_decay=0.01), classes()))
    assert [f.name for f in report.findings] == ["requires_grad_false"]
    assert report.findings[0].confidence is Confidence.PROVEN


def silenced(subject):
    """Units that are dead on every sample."""
    nn.init.constant_(subject.model[0].bias, -30.0)
    return subject


def turned(output, target):
    return -nn.functional.cross_entropy(output, target)


PAIRS = {
    ("softmax_before_cross_entropy", "lr_too_low"): lambda: program(nn.Softmax(dim=1), rate=3e-5),
    ("dead_relu", "softmax_before_cross_entropy"): lambda: silenced(program(nn.Softmax(dim=1))),
    ("relu_on_logits", "weight_decay_coupled_adam"): lambda: program(nn.ReLU(), weight_decay=3.0),
    ("flipped_loss_sign", "lr_too_low"): lambda: dataclasses.replace(program(rate=1e-6), loss_fn=turned),
}


@pytest.mark.parametrize("names", PAIRS, ids=" and ".join)
def test_two_faults_are_found_together(names):
    """Neither cure alone repairs the run; the second fault is found on the copy without the first."""
    report = diagnosed(PAIRS[names]())
    assert {f.name for f in report.findings} == set(names)
    assert all(f.confidence is Confidence.PROVEN and f.together_with for f in report.findings)
    assert " and ".join(f.name for f in report.findings) in report.sentence()
    assert report.findings[0].cured.passed and report.untouched


def test_nothing_is_guessed_behind_a_crash_that_no_cure_undoes():
    """With inputs of the wrong width nothing is seen but the crash; no cure for it is known here, and nothing is guessed."""
    subject = program(nn.Softmax(dim=1))
    report = diagnosed(dataclasses.replace(subject, train=(torch.randn(32, 7), classes()[1])))
    assert report.experiment.crash is not None and not report.findings


def test_no_guess_where_nothing_repairs():
    """Labels that contradict each other for one input: that is all that is said. The floor is known, and reached."""
    points, _ = classes()
    same = points[:1].expand(32, -1).clone()
    torch.manual_seed(0)
    net = nn.Linear(20, 10)
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-1), (same, classes()[1]))
    report = diagnosed(subject)
    assert [f.name for f in report.alarms] == ["inputs_zeroed_or_constant"] and not report.ruled_out
    assert report.experiment.passed and report.experiment.floor.value > 1


def test_the_budget_is_kept_and_what_was_left_is_said(clock):
    subject = program(nn.Softmax(dim=1))
    slow = nn.Sequential(Slow(), *subject.model)
    adam = torch.optim.Adam(slow.parameters(), lr=1e-2)
    report = diagnosed(Subject(slow, nn.CrossEntropyLoss(), adam, classes()), budget=1.0)
    assert 0.9 < clock.now <= 1.0
    assert any("time" in line for line in report.not_examined)
    assert report.untouched


def test_a_cure_that_cannot_be_made_costs_its_suspect_and_not_the_report():
    from dldebug_magics.checks import all_checks
    from dldebug_magics.engine.evidence import Evidence, Fix
    from dldebug_magics.engine.examine import examine
    from dldebug_magics.engine.suspect import NotCured, Suspect

    def broken(lent):
        raise NotImplementedError("no data\nat all")

    (check,) = [check for check in all_checks() if (check.stage, check.name) == ("overfit", "softmax_before_cross_entropy")]
    evidence = Evidence(Confidence.LIKELY, fix=Fix("Mend it."), cure=broken)
    with pytest.raises(NotCured, match=r"NotImplementedError: no data$"):
        Suspect(check, evidence).cured(program())
    saying = copy.copy(check)
    saying.function = lambda **_: iter([evidence])
    report = list(examine(program(nn.Softmax(dim=1)), ask_for("overfit_batch"), [saying]))[-1]
    assert f"the cure of {check.name}: NotImplementedError: no data" in report.not_examined and report.untouched
    assert not any(f.confidence is Confidence.PROVEN for f in report.findings)


class Slow(nn.Module):
    def forward(self, x):
        time.sleep(0.02)
        return x


def in_bytes(scale, offset=0.0, optimizer=torch.optim.Adam, rate=1e-3):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 10))
    points, labels = classes()
    return Subject(net, nn.CrossEntropyLoss(), optimizer(net.parameters(), lr=rate), (scale * points + offset, labels))


def test_a_scale_that_only_slows_learning_down_is_likely():
    """Bytes, under Adam: memorised all the same, but far later than without them. The curve of the cured copy is shown."""
    report = diagnosed(in_bytes(40.0, 128.0, rate=1e-2))
    assert report.experiment.passed
    assert [(f.name, f.confidence) for f in report.alarms] == [("input_not_normalised", Confidence.LIKELY)]
    assert len(report.alarms[0].cured.losses) <= 0.25 * len(report.experiment.losses)


def test_a_merely_quick_run_is_left_alone():
    """What is memorised within 60 steps is quick enough, whatever its inputs look like."""
    report = diagnosed(in_bytes(11.0, rate=3e-2))
    assert report.experiment.passed and len(report.experiment.losses) < 60
    assert not report.alarms


def test_no_alarm_where_the_cure_is_no_quicker():
    """A norm layer at the entrance takes the scale away: the cured run is the same run, and clears the suspect."""
    subject = in_bytes(40.0, 128.0)
    subject.model.insert(0, nn.BatchNorm1d(20))
    optimizer = torch.optim.Adam(subject.model.parameters(), lr=1e-3)
    report = diagnosed(dataclasses.replace(subject, optimizer=optimizer))
    assert report.experiment.passed and not report.alarms
    assert "input_not_normalised" in [cleared.name for cleared in report.ruled_out]
