"""Writing the fix: the user's own cell with the change in it, and what is made anew behind it; or a comment that says where."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import linecache

import pytest

from benchmarks import written_fixes
from dldebug_magics.checks import all_checks
from dldebug_magics.engine.edits import Argument, Either, Enclose, Hoist, Part, Unwrap, making
from dldebug_magics.engine.evidence import Confidence, Evidence, Finding, Fix, Severity
from dldebug_magics.engine.report import Report
from dldebug_magics.instruments.source_lines import place
from dldebug_magics.notebook.changed_cell import typed_in
from dldebug_magics.notebook.fixing import put_below, written
from tests.by_turns import by_turns

IMPORTS = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"
NET = """torch.manual_seed(0)
class Net(nn.Module):  # größer als nötig
    def __init__(self, width):
        super().__init__()
        self.body, self.head = nn.Linear(8, width), nn.Linear(width, 3)

    def forward(self, x):
        hidden = torch.relu(self.body(x))
        return F.softmax(self.head(hidden), dim=1)  # äöü: the classes
"""
MADE = "width = 16\nnet = Net(width)\noptimizer = torch.optim.Adam(net.parameters(), lr=1e-2)\nloss_fn = nn.CrossEntropyLoss()"
DATA = "x = torch.randn(16, 8); y = torch.randint(0, 3, (16,))\nbatch = x, y"
ASK = "report = %overfit_batch net loss_fn optimizer batch --quiet"
FIXED = NET.replace("F.softmax(self.head(hidden), dim=1)", "self.head(hidden)")


def typed(run, *cells, call="softmax"):
    """A report on these cells, whose one finding would leave a call out of the line where a pass had seen it."""
    for cell in (IMPORTS, *cells):
        done = run(cell)
        assert done.error is None, (cell, done.error)
    code = inspect.unwrap(type(run.shell.user_ns["net"]).forward).__code__
    lines = ["", *linecache.getlines(code.co_filename)]
    spot = code.co_filename, next((n for n, line in enumerate(lines) if f"F.{call}" in line and line.lstrip()[0] != "#"), 9)
    return Report(findings=(finding(Unwrap(spot, call), where=place(*spot)),), asked="%overfit_batch net loss_fn optimizer batch")


def below(run, report):
    """What `apply` puts below; without its first line, which names the finding."""
    put_below(run.shell, report)
    return run.shell.rl_next_input.partition("\n")[2]


def finding(*edits, name="some_cause", code="...", where=""):
    check = type("Check", (), {"name": name, "severity": Severity.ERROR, "title": ""})
    evidence = Evidence(Confidence.LIKELY, where=where, fix=Fix("Do it.", code, edits=edits))
    return Finding(check, evidence, Confidence.LIKELY)


def is_comment(text):
    return all(line.startswith("#") for line in text.splitlines())


def without_softmax(tree):
    """The tree with what a softmax is given in its place, by Python's own means."""

    class Left(ast.NodeTransformer):
        def visit_Call(self, node):
            self.generic_visit(node)
            return node.args[0] if ast.unparse(node.func) == "F.softmax" else node

    return ast.dump(Left().visit(tree))


def test_the_whole_cell_with_one_line_changed_and_what_is_made_of_it_repairs_the_program(run):
    for cell in (IMPORTS, NET, DATA, MADE, ASK):
        assert run(cell).error is None
    report, before = run.shell.user_ns["report"], dict(run.shell.user_ns)
    state = {name: value.clone() for name, value in before["net"].state_dict().items()}
    assert report.findings[0].name == "softmax_before_cross_entropy"
    dataclasses.replace(report, findings=report.findings[:1]).apply()
    text, after = run.shell.rl_next_input, run.shell.user_ns
    assert text.partition("\n")[2] == f"{FIXED}\nnet = Net(width)\noptimizer = torch.optim.Adam(net.parameters(), lr=1e-2)"
    assert all(after[n] is before[n] for n in ("net", "optimizer", "loss_fn", "Net", "x"))  # nothing was run, and theirs is as it was
    assert all(bool((value == state[name]).all()) for name, value in after["net"].state_dict().items())
    assert run(text).error is None and run(ASK).error is None
    assert after["report"].ok and "softmax_before_cross_entropy" not in {f.name for f in after["report"].findings}


@pytest.mark.parametrize(
    "net",
    [
        NET.replace("    ", "\t"),
        NET.replace("        return F", "        # return F.softmax(self.head(hidden), dim=1)\n        return F"),
        NET.replace("    def forward", "    @torch.autocast('cpu', enabled=False)\n    def forward"),
        NET.replace(
            "F.softmax(self.head(hidden), dim=1)", "F.softmax(\n            self.head(hidden),  # logits\n            dim=1,\n        )"
        ),
        NET.replace("x)", "ξ)").replace("hidden", "größe"),
        f"{NET}\n\ntrain = '''\n   raw  text\n'''\n\n\n",
    ],
    ids=["tabs", "a comment with the same text", "decorators", "many lines", "unicode", "long text"],
)
def test_all_other_lines_stay_byte_for_byte(run, net):
    text = below(run, typed(run, net, DATA, MADE))
    own, behind = text[: text.rindex("\n\nnet = Net(width)")], text[text.rindex("net = Net(width)") :]
    assert own.startswith(net[:40]) and behind.startswith("net = Net(width)\noptimizer")
    tree = ast.parse(net)
    only = next(n for n in ast.walk(tree) if isinstance(n, ast.Return) and "softmax" in ast.unparse(n))
    old, new = net.rstrip("\n").split("\n"), own.rstrip("\n").split("\n")
    assert new[: only.lineno - 1] == old[: only.lineno - 1]
    rest = old[only.end_lineno :]
    assert new[len(new) - len(rest) :] == rest and ("äöü" in new[len(new) - len(rest) - 1])
    assert ast.dump(tree) != ast.dump(ast.parse(own)) == without_softmax(tree)
    assert run(text).error is None


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([f"%%time\n{NET}", DATA, MADE], "a cell magic"),
        ([f"%matplotlib --list\n{NET}", DATA, MADE], "a magic in it"),
        ([NET, DATA, MADE, NET.replace("größer", "kleiner")], "edited and run again since"),
        ([NET, DATA, MADE, "width = 99"], "a number that is another one now"),
        ([NET, DATA, MADE.replace("net = Net", "%time net = Net")], "made behind a magic"),
        ([NET, DATA, "width = 16\nif True:\n    net = Net(width)\n" + MADE.partition("Net(width)\n")[2]], "made under a condition"),
        ([NET, DATA, MADE, "for width in (1, 2): pass"], "a loop has set what it is made of"),
        ([NET.replace("return F", "x = F.softmax(x, dim=1); return F"), DATA, MADE], "two of them in the line"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_certain_stays_a_comment_that_says_where(run, cells, why):
    report = typed(run, *cells)
    assert is_comment(below(run, report)), why


def test_a_class_of_a_modules_file_is_told_with_file_and_line(run, tmp_path, monkeypatch):
    (tmp_path / "my_own_nets.py").write_text(f"{IMPORTS}\n{NET}")
    monkeypatch.syspath_prepend(str(tmp_path))
    report = typed(run, "from my_own_nets import Net", DATA, MADE)
    text = below(run, report)
    assert is_comment(text) and "# Change this where it stands in your program (my_own_nets.py, line 12):" in text


def test_the_same_cell_run_again_as_it_is_may_be_changed(run):
    report = typed(run, NET, DATA, MADE, NET)
    assert below(run, report).startswith(FIXED)


def test_what_was_done_to_the_model_before_the_question_is_done_again_and_other_models_stay(run):
    extra = "other = Net(4)\nnet.head = nn.Linear(16, 3)\nnet.to('cpu')\nfor step in range(2):\n    optimizer.zero_grad()"
    schedule = "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)"
    report = typed(run, NET, DATA, MADE.replace("\nopt", f"\n{extra}\nopt", 1).replace("    optimizer.zero_grad()", "    pass"), schedule)
    text = below(run, report)
    behind = text.removeprefix(FIXED).strip().splitlines()
    assert behind == [
        "net = Net(width)",
        "net.head = nn.Linear(16, 3)",
        "net.to('cpu')",
        "optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)",
        schedule,
    ]


def test_all_in_one_cell_is_that_cell(run):
    report = typed(run, f"{NET}\n{MADE}\n{DATA}")
    assert below(run, report) == f"{FIXED}\n{MADE}\n{DATA}"


LOADER = "from torch.utils.data import DataLoader, TensorDataset\ndata = TensorDataset(x, y)\nloader = DataLoader(data, 4, False)  # sorted"


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (Argument(making("loader"), "DataLoader", "shuffle", "True", 2), "4, False", "4, True"),
        (Argument(making("loader"), "DataLoader", "drop_last", "False", 8), "4, False)", "4, False, drop_last=False)"),
        (Enclose(making("loader"), Part("TensorDataset", 1), "{} - 1"), "(x, y)", "(x, y - 1)"),
        (Either((Enclose(making("loader"), Part("Nothing", 1), "{}"), Enclose(making("batch", 0), Part("", 0), "{} / 255"))), "", ""),
    ],
)
def test_a_loader_is_changed_where_it_is_made(run, edit, old, new):
    for cell in (IMPORTS, DATA, LOADER):
        run(cell)
    report = Report(findings=(finding(edit),), asked=f"%overfit_batch {'loader' if old else 'batch'}")
    text, runs = written(run.shell, report, report.findings[0])
    wanted = LOADER.replace(old, new) if old else DATA.replace("batch = x, y", "batch = x / 255, y")
    assert (text, runs) == (f"# some_cause: Do it.\n{wanted}", True)


@pytest.mark.parametrize("asked_with", ["%overfit_batch net", "%overfit_batch net --steps loader_of_another"])
def test_a_loader_that_was_not_asked_about_is_left_alone(run, asked_with):
    for cell in (IMPORTS, DATA, LOADER):
        run(cell)
    report = Report(findings=(finding(Argument(making("loader"), "DataLoader", "shuffle", "True", 2)),), asked=asked_with)
    text, runs = written(run.shell, report, report.findings[0])
    assert not runs and is_comment(text)


def test_two_that_could_be_meant_are_none(run):
    for cell in (IMPORTS, DATA, "pairs = [1, 2]\na = dict(n=1)\nb = dict(n=2)\nboth = [a, b]"):
        run(cell)
    assert typed_in(run.shell).changed([Argument(making("both"), "dict", "n", "3")], {"both"}, {"both"}) is None


def test_fixes_of_one_cell_are_made_together_and_those_of_another_stay_apart(run):
    report = typed(run, NET.replace("relu(self.body(x))", "relu(self.body(x)).detach()"), DATA, MADE)
    (spot,) = (edit.spot for edit in report.findings[0].fix.edits)
    first, second = finding(Unwrap(spot, "softmax"), name="one"), finding(Unwrap((spot[0], spot[1] - 1), "detach"), name="two")
    third = finding(Enclose(making("batch", 0), Part("", 0), "{} / 255"), name="three", code="x = x / 255")
    put_below(run.shell, dataclasses.replace(report, findings=(first, second, third)))
    text = run.shell.rl_next_input
    assert text.startswith(f"# one: Do it.\n# two: Do it.\n{FIXED}\nnet = Net(width)")
    assert text.endswith("# three: Do it.\n# Change this where it stands in your program:\n# x = x / 255")


def test_a_layer_that_is_made_in_the_pass_is_made_once_under_a_free_name(run):
    net = NET.replace("hidden = torch.relu(self.body(x))", "hidden = torch.relu(nn.Linear(16, 16)(self.body(x)))")
    net = net.replace("self.body, self.head", "self.linear, self.body, self.head").replace("= nn.Linear(8,", "= None, nn.Linear(8,")
    run(IMPORTS)
    run(net)
    file = run.shell.user_ns["Net"].forward.__code__.co_filename
    called, made = (typed_in(run.shell).changed([Hoist((file, line), "Linear")], set(), set()) for line in (9, 8))
    text = called
    assert called == made
    assert "        super().__init__()\n        self.linear_2 = nn.Linear(16, 16)\n" in text and "relu(self.linear_2(self.body(x)))" in text
    assert typed_in(run.shell).changed([Hoist((file, 5), "Linear")], set(), set()) is None  # two of them, and in `__init__`


@pytest.mark.parametrize(
    "name", by_turns("module_made_in_forward reduction_wrong_dim targets_not_normalised shuffle_false_sorted".split(), of=2)
)
def test_the_examples_of_the_checks_are_repaired_by_what_is_written(shell, name):
    check = next(one for one in all_checks() if one.name == name and one.stage in written_fixes.STAGES)
    form, text = written_fixes.written(shell, check, check.bad_examples[0])
    assert form == "repairs", text
