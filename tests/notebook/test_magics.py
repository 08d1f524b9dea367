"""The magics as a user types them: what is resolved, what is said, what is raised, and what is left after unloading."""

from __future__ import annotations

import pytest

from dldebug_magics import ask
from dldebug_magics.engine.report import Report

SET_UP = """
import torch
from torch import nn
from torch.utils.data import DataLoader
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
criterion = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
pairs = [(torch.randn(3), i % 2) for i in range(8)]
train_dl = DataLoader(pairs, batch_size=4)
"""


@pytest.fixture
def nb(run, pretended):
    """A notebook with one of everything, and the stand-in for the engine."""
    run("%reload_ext dldebug")
    assert run(SET_UP).error is None
    run.pretended = pretended
    return run


def named(nb):
    return dict(nb.pretended.subject.names)


def test_names_and_expressions_go_to_their_places(nb):
    line = "net nn.CrossEntropyLoss(label_smoothing=0.1) opt train_dl.dataset[0:4] --val=train_dl --steps 2*50 --no-plot --seed 3"
    cell = nb(f"%overfit_batch {line}")
    assert isinstance(cell.value, Report)
    assert named(nb) == {
        "model": "net",
        "loss_fn": "nn.CrossEntropyLoss(label_smoothing=0.1)",
        "optimizer": "opt",
        "train": "train_dl.dataset[0:4]",
        "val": "train_dl",
    }
    assert nb.pretended.options == {"steps": 100, "plot": False} and nb.pretended.subject.seed == 3
    assert len(nb.pretended.subject.train) == 4


def test_what_stands_in_an_unusual_place_goes_where_it_belongs(nb):
    nb("sched = torch.optim.lr_scheduler.StepLR(opt, 1)")
    assert nb("%overfit_batch net train_dl sched opt (lambda o, t: o) pairs --budget 30s").error is None
    places = {"model": "net", "loss_fn": "(lambda o, t: o)", "optimizer": "opt", "train": "train_dl", "val": "pairs", "scheduler": "sched"}
    assert named(nb) == places
    assert nb.pretended.options == {"budget": 30.0}


def test_none_says_that_there_is_no_such_part(nb):
    nb("%overfit_batch net None None train_dl")
    subject = nb.pretended.subject
    assert subject.loss_fn is None and subject.optimizer is None and subject.train is nb.shell.user_ns["train_dl"]


def test_each_expression_is_evaluated_once(nb):
    nb("made = []\ndef make():\n    made.append(1)\n    return nn.Linear(3, 2)")
    nb("%overfit_batch make() criterion None train_dl")
    assert nb.shell.user_ns["made"] == [1]


def test_names_of_a_function_are_seen_inside_it(nb):
    cell = nb("def f():\n    inner = nn.Linear(1, 1)\n    %overfit_batch inner criterion None train_dl\nf()")
    assert cell.error is None and nb.pretended.subject.model is not nb.shell.user_ns["net"]


def test_braces_and_dollars_are_not_expanded(nb):
    assert nb("%overfit_batch net criterion opt {'x':torch.zeros(2,3)}['x']").error is None
    assert nb.pretended.subject.train.shape == (2, 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%overfit_batch nett", "no name `nett` here; did you mean `net`? (modules in this notebook: `net`, `criterion`)"),
        ("%overfit_batch net --stepz 3", "no option --stepz; did you mean --steps?"),
        ("%overfit_batch net --steps abc", "--steps wants a whole number, was given 'abc'"),
        ("%overfit_batch 'net'", "`'net'` is a str; expected a torch.nn.Module; pass the model itself"),
        ("%overfit_batch net criterion opt train_dl[0]", "`train_dl[0]` raised TypeError: 'DataLoader' object is not subscriptable"),
        ("%overfit_batch net nn.MSELoss opt train_dl", "`nn.MSELoss` is a class; expected an instance; write MSELoss()"),
        ("%overfit_batch net criterion opt opt", "both `opt` and `opt` are named as the optimizer; keep one, as --optimizer"),
        ("%overfit_batch net --loss criterion criterion", "both `criterion` and `criterion` are named as the loss; keep one, as --loss"),
        ("%overfit_batch net criterion opt train_dl pairs 3", "`3` has no place here"),
        ("%overfit_batch net lambda o, t: o", "`lambda` is not an expression"),
        ("%overfit_batch net(", "a bracket in `net(` is never closed; expected `)`"),
        ("%overfit_batch net --budget 0", "--budget wants a number of seconds above 0, was given '0'"),
        ("%subject modle", "no name `modle` here"),
        ("%subject net --clera", "no option --clera; did you mean --clear?"),
        ("%explain lr_too_hihg", "lr_too_high"),
        ("%dldebug now", "%dldebug was given"),
    ],
)
def test_a_slip_is_one_line_and_no_traceback(nb, line, message):
    from IPython.core.error import UsageError

    cell = nb(line)
    assert type(cell.error) is UsageError and message in cell.err
    assert cell.err.strip().count("\n") == 0 and "Traceback" not in cell.err + cell.out and cell.out == ""


def test_nothing_named_takes_the_only_candidates_and_says_so(nb):
    report = nb("%overfit_batch").value
    assert report.said == ("Taken from the notebook: model `net`, loss `criterion`, optimizer `opt`, training data `train_dl`.",)
    assert named(nb) == {"model": "net", "loss_fn": "criterion", "optimizer": "opt", "train": "train_dl"}


def test_what_is_missing_is_taken_and_said(nb):
    assert nb("%overfit_batch net None").value.said == ("Taken from the notebook: optimizer `opt`, training data `train_dl`.",)
    nb("model = net; bare = nn.Tanh(); _other = nn.Linear(1, 1); head = net[2]; val_dl = DataLoader(pairs)")
    assert nb("%overfit_batch").value.said[0].startswith("Taken from the notebook: model `net`, loss `criterion`")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("net2 = nn.Linear(3, 2)", "several things here could be the model: `net`, `net2`; name one (--model net)"),
        (
            "def my_loss(o, t): ...",
            "several things here could be the loss: `criterion`, `my_loss`; name one (--loss criterion, or None for none)",
        ),
        ("opt2 = torch.optim.Adam(net.parameters())", "several things here could be the optimizer: `opt`, `opt2`"),
        ("dl2 = DataLoader(pairs)\ntrain_2 = DataLoader(pairs)", "could be the training data: `train_dl`, `dl2`, `train_2`"),
        ("del net", "no model in this notebook; name one"),
    ],
)
def test_several_candidates_are_a_question(nb, cell, message):
    nb(cell)
    asked = nb("%overfit_batch")
    assert message in asked.err and nb.pretended.subject is None


def test_of_several_optimizers_the_one_of_the_model_is_taken(nb):
    nb("net2 = nn.Linear(3, 2)\nopt2 = torch.optim.Adam(net2.parameters())")
    assert nb("%overfit_batch net2").value.said[0].startswith("Taken from the notebook: loss `criterion`, optimizer `opt2`")


def test_an_optimizer_of_another_model_is_not_taken_silently(nb):
    nb("net2 = nn.Linear(3, 2)")
    assert "`opt` holds no parameter of `net2`; name the optimizer of this model, or None for none" in nb("%overfit_batch net2").err
    assert nb("%overfit_batch net2 criterion None").error is None
    nb("del net2\nnet = nn.Linear(3, 2)")
    assert "`opt` holds no parameter of `net`." in nb("%overfit_batch").value.said


def test_losses_are_told_from_functions_that_only_sound_like_it(nb):
    nb("del criterion\nfrom functools import partial\nimport torch.nn.functional as F\ndef plot_loss(history): ...\nloss = torch.ones(2)")
    nb("loss_fn = partial(F.cross_entropy, label_smoothing=0.1)")
    assert "loss `loss_fn`" in nb("%overfit_batch").value.said[0]


def test_subject_is_named_once_and_read_anew_each_time(nb):
    assert "No subject is set" in nb("%subject").out
    assert "train_dl" in nb("%subject net criterion None train_dl --val pairs").out
    nb("net = nn.Linear(3, 2); other = nn.Linear(3, 2)")
    report = nb("%overfit_batch").value
    parts = "model `net`, loss `criterion`, optimizer `None`, training data `train_dl`, validation data `pairs`"
    assert report.said == (f"From %subject: {parts}.",)
    assert nb.pretended.subject.model is nb.shell.user_ns["net"]
    assert nb("%overfit_batch other").value.said[0].startswith("From %subject: loss")
    nb("del net")
    assert "(`net` was named by %subject); name it again, or %subject --clear" in nb("%overfit_batch").err
    assert "No subject is set" in nb("%subject --clear").out


def test_subject_refuses_what_is_no_model(nb):
    assert "`pairs` is a list; expected a torch.nn.Module" in nb("%subject pairs").err
    assert "No subject is set" in nb("%subject").out


def test_explain_shows_pages_and_lists_their_names(nb):
    assert "lr_too_high" in nb("%explain").out
    page = nb("%explain lr_too_high  # please").value
    assert repr(page) and "<section" in page._repr_html_()


def test_the_ladder_tells_what_was_asked_and_what_comes_next(nb):
    out = nb("%dldebug").out
    assert "overfit" in out and "Next: %overfit_batch" in out and "%explain NAME" in out and max(map(len, out.splitlines())) <= 110
    nb.pretended.passed = False
    nb("%overfit_batch")
    out = nb("%dldebug").out
    assert "FAIL: It does not learn" in out and "Next: repair what %overfit_batch found" in out
    assert "&lt;b&gt;" in nb("_").value._repr_html_()
    nb.pretended.passed = True
    nb("%overfit_batch")
    assert "OK: It learns." in nb("%dldebug").out


def test_assert_fails_the_cell_after_the_report_was_shown(nb):
    assert nb("%overfit_batch --assert").error is None
    nb.pretended.passed = False
    cell = nb("%overfit_batch --assert")
    assert type(cell.error) is AssertionError and str(cell.error) == "It does not learn <b>."
    assert "Taken from the notebook" in cell.out and nb("%dldebug").out.count("FAIL") == 1


def test_a_report_is_returned_and_printed_once(nb):
    assert nb("%overfit_batch").out.count("It learns.") == 1
    cell = nb("r = %overfit_batch net")
    assert cell.out == "" and isinstance(nb.shell.user_ns["r"], Report)
    assert nb("r").out.count("It learns.") == 1


@pytest.mark.parametrize("line", ["--quiet", "-q", "net;", "net ;  # silent", ";"])
def test_quiet_is_quiet_and_still_returns(nb, line):
    assert "learns" not in nb(f"%overfit_batch {line}").out
    assert nb(f"r = %overfit_batch {line}").out == "" and nb.shell.user_ns["r"].ok
    assert "It learns." in nb("r").out and "It learns." in nb("%overfit_batch").out


def test_the_users_own_exception_passes_with_a_line_in_front_and_without_our_frames(nb, monkeypatch):
    nb("class Broken:\n    def __iter__(self):\n        raise OSError('disk gone')")
    monkeypatch.setattr(ask, "ask", lambda name, subject: (next(iter(subject.train)) for _ in "x"))
    cell = nb("%overfit_batch net criterion opt Broken()")
    assert isinstance(cell.error, OSError) and "your data or your model raised this" in cell.err
    assert "disk gone" in cell.out + cell.err and "dldebug_magics" not in cell.out


def test_a_defect_of_ours_asks_to_be_reported(nb, monkeypatch):
    from dldebug_magics.notebook.progress import Screen

    monkeypatch.setattr(Screen, "draw", lambda self, report: {}["missing"])
    cell = nb("%overfit_batch")
    assert isinstance(cell.error, KeyError) and nb.pretended.restored == 1


def test_the_stop_button_shows_what_there_is_and_goes_on(nb):
    nb.pretended.raises = KeyboardInterrupt()
    cell = nb("%overfit_batch")
    assert isinstance(cell.error, KeyboardInterrupt) and "by you, after 2 steps" in cell.out and nb.pretended.restored == 1
    assert "FAIL" in nb("%dldebug").out


def test_the_stop_button_is_heard_while_we_draw(nb, monkeypatch):
    from dldebug_magics.notebook.progress import Screen

    def pressed(self, report):
        raise KeyboardInterrupt

    monkeypatch.setattr(Screen, "draw", pressed)
    cell = nb("%overfit_batch")
    assert isinstance(cell.error, KeyboardInterrupt) and "by you, after 2 steps" in cell.out and nb.pretended.restored == 1


def test_help_has_usage_every_option_and_three_examples(nb):
    for text in (nb("%overfit_batch --help").out, nb.shell.find_line_magic("overfit_batch").getdoc()):
        assert text.startswith("%overfit_batch [model] [loss_fn] [optimizer] [train_loader] [val_loader] [--steps 300]")
        assert text.count("    %overfit_batch net") == 3
        assert (
            all(word in text for word in "--steps 300 --no-plot --budget 60 --quiet --assert --seed --val".split()) and "how often" in text
        )
        assert max(map(len, text.splitlines())) <= 140
    for magic in ("subject", "explain", "dldebug"):
        assert nb.shell.find_line_magic(magic).__doc__.count("\n            %") == 3
