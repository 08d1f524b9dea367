"""The one result type: verdict first, the changed line in the user's names, 110 columns, small HTML, plain values, a true footer."""

from __future__ import annotations

import dataclasses
import functools
import html
import json
import math
import re

import pytest
import torch
from torch import nn

from dldebug_magics.ask import ask
from dldebug_magics.checks import all_checks
from dldebug_magics.checks.small_data import classes
from dldebug_magics.engine.check import check
from dldebug_magics.engine.evidence import Confidence, Evidence, Fact, Finding, Fix, Severity
from dldebug_magics.engine.observation import Observation
from dldebug_magics.engine.report import Report, RuledOut
from dldebug_magics.engine.subject import Subject

MINE = {"model": "net", "loss_fn": "criterion", "optimizer": "opt", "train": "loader"}
ENDLESS = {role: f"my_{'very_' * 25}long_{role}" for role in MINE}
BAD = {
    "softmax_before_cross_entropy": "net[3] = torch.nn.Identity()",
    "gradient_ascent": "opt = torch.optim.Adam(net.parameters(), lr=0.01, maximize=False)",
    "loss_broadcast": "loss = criterion(output, target.reshape(output.shape))",
    "nan_inf_numeric": "torch.log(x.clamp(min=1e-6))",
}


@functools.cache
def diagnosed(name: str, names: str = "mine") -> Report:
    example = next(one for one in all_checks() if one.name == name).bad_examples[0]
    return list(ask("overfit_batch", dataclasses.replace(example(), names=MINE if names == "mine" else ENDLESS)))[-1]


def finding(severity: Severity, code: str = "x = 1", **evidence) -> Finding:
    @check(severity=severity)
    def some_cause():
        """A title.

        A page.
        """

    return Finding(some_cause, Evidence(Confidence.LIKELY, fix=Fix("Do it.", code), **evidence), Confidence.LIKELY)


@dataclasses.dataclass(frozen=True)
class Seen(Observation):
    passed: bool = True

    def sentence(self, findings=()):
        return "It was seen."

    def document(self, findings=()):
        return ()


def text_of(page: str) -> str:
    """What is left of a page without its tags, styles and scripts."""
    bare = re.sub(r"<(style|script|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", bare)).split())


@pytest.mark.parametrize(("name", "line"), BAD.items())
def test_a_real_report(name, line):
    """Verdict first, the changed line in the user's names, 110 columns, a small page, strict JSON: a NaN stands in words only."""
    report = diagnosed(name)
    flat, page, sentence = " ".join(repr(report).split()), text_of(report._repr_html_()), " ".join(report.sentence().split())
    assert flat.startswith(sentence) and page.startswith(sentence)
    assert name in sentence and "\n" not in report.sentence() and len(sentence) < 350
    assert max(map(len, repr(report).splitlines())) <= 110
    assert 1_000 < len(report._repr_html_()) < 60_000
    assert line in report.code() and line in flat and line in page
    _is_strict_json(report, name)


def _is_strict_json(report: Report, name: str) -> None:
    once = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert once == report.to_dict()
    assert once["ok"] is False and once["verdict"] == report.sentence() and once["untouched"] is True
    first = once["findings"][0]
    assert (first["name"], first["severity"], first["confidence"]) == (name, "error", "proven")
    assert first["code"] == report.findings[0].fix.code and set(first["facts"][0]) == {"what", "seen", "expected"}
    assert name != "nan_inf_numeric" or not all(map(math.isfinite, report.experiment.losses))


@pytest.mark.parametrize("name", ["gradient_ascent", "loss_broadcast"])
def test_endless_names_are_broken_in_text_and_whole_in_code(name):
    report = diagnosed(name, "endless")
    assert max(map(len, repr(report).splitlines())) <= 110
    assert ENDLESS["loss_fn" if name == "loss_broadcast" else "optimizer"] in report.code()


def test_an_endless_module_path_is_broken_too():
    net = nn.ReLU()
    for depth in range(12):
        net = nn.ModuleDict({f"layer_of_mine_{depth}": net})
    torch.manual_seed(0)
    subject = Subject(Deep(net), nn.CrossEntropyLoss(), None, classes(), names=MINE)
    report = list(ask("overfit_batch", dataclasses.replace(subject, optimizer=torch.optim.SGD(subject.model.parameters(), lr=0.1))))[-1]
    assert report.findings, "the dead ReLU is seen"
    assert ".layer_of_mine_0" in report.findings[0].where
    assert max(map(len, repr(report).splitlines())) <= 110


class Deep(nn.Module):
    """A ReLU at the end of a long path, dead from the start."""

    def __init__(self, nest: nn.Module):
        super().__init__()
        self.first, self.nest, self.last = nn.Linear(20, 16), nest, nn.Linear(16, 10)
        nn.init.constant_(self.first.bias, -30.0)

    def forward(self, x):
        inner = self.nest
        while isinstance(inner, nn.ModuleDict):
            inner = next(iter(inner.values()))
        return self.last(inner(self.first(x)))


def test_the_frame_has_a_row_a_finding():
    frame = diagnosed("gradient_ascent").to_frame()
    assert list(frame.columns) == list(Report().to_frame().columns) == ["name", "severity", "confidence", "where", "fix", "code"]
    assert frame.loc[0, "name"] == "gradient_ascent" and frame.loc[0, "code"].startswith("opt = ")
    assert len(frame) == len(diagnosed("gradient_ascent").findings) and len(Report().to_frame()) == 0


@pytest.mark.parametrize(
    ("report", "ok"),
    [
        (Report(), True),
        (Report(Seen()), True),
        (Report(Seen(passed=False)), False),
        (Report(Seen(), (finding(Severity.NOTE),)), True),
        (Report(Seen(), (finding(Severity.WARNING),)), False),
        (Report(Seen(), (finding(Severity.NOTE), finding(Severity.ERROR))), False),
        (Report(Seen(), stopped="by you"), False),
    ],
)
def test_ok_means_passed_to_the_end_and_nothing_worse_than_a_note(report, ok):
    assert report.ok is ok and report.to_dict()["ok"] is ok


def test_a_crash_is_not_ok():
    net = nn.Linear(3, 10)
    report = list(ask("overfit_batch", Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), classes())))[-1]
    assert not report.ok and "crashed" in report.sentence()
    assert "mat1 and mat2" in repr(report) and json.dumps(report.to_dict(), allow_nan=False)


def test_code_is_the_changed_lines_one_below_the_other():
    assert (
        Report(Seen(), (finding(Severity.ERROR, "a = 1"), finding(Severity.NOTE, ""), finding(Severity.NOTE, "b = 2"))).code()
        == "a = 1\nb = 2"
    )


def test_what_was_ruled_out_and_not_examined_is_told():
    report = Report(Seen(), ruled_out=(RuledOut("lr_too_low", "with 0.1 it stops at 2.30"),), not_examined=("no validation data",))
    for told in (repr(report), text_of(report._repr_html_())):
        for words in ("Ruled out", "lr_too_low", "with 0.1 it stops at 2.30", "Not examined", "no validation data"):
            assert words in told
    assert report.to_dict()["ruled_out"] == {"lr_too_low": "with 0.1 it stops at 2.30"}
    assert "Ruled out" not in repr(Report(Seen())) and "Not examined" not in repr(Report(Seen()))


def test_the_footer_promises_only_what_was_checked():
    last = {untouched: repr(Report(Seen(), untouched=untouched, left_behind=("buffers", "hooks"))) for untouched in (None, True, False)}
    assert "identical" not in last[None] and "buffers" not in last[None]
    assert "bit-identical" in last[True] and "buffers" not in last[True]
    assert "bit-identical" not in last[False] and "buffers, hooks" in last[False] and "defect of dldebug" in last[False]


def test_a_stop_is_said_and_facts_stand_in_the_table():
    fact = Fact("sum of a <row>", "1.00", "any number")
    report = Report(
        Seen(), (finding(Severity.ERROR, facts=(fact,), where="cell 3, line 4", refuted_by="A zero."),), stopped="by you, after 2 s"
    )
    for told in (repr(report), text_of(report._repr_html_())):
        for words in ("Stopped: by you", "sum of a <row>", "any number", "cell 3, line 4", "ERROR", "likely", "A zero."):
            assert words in told
