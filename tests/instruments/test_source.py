"""The user's lines: which one is running, what it says, and how it reads with one call taken out."""

from __future__ import annotations

import ast
import functools
import linecache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dldebug_magics.instruments.source_edits import module_expression, without_call
from dldebug_magics.instruments.source_lines import Line, is_users, place, raising_line, running_line, where

relaxed = settings(max_examples=60, deadline=None, derandomize=True)
names = st.sampled_from(["x", "self.head", "net", "h", "logits", "self.layers[0]", "out['x']"])
numbers = st.one_of(st.integers(0, 99).map(str), st.sampled_from(["0.5", "1e-3", "-1", "None", "'a b'", "f'{x}'"]))


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: f"{p[0]} + {p[1]}"),
        two.map(lambda p: f"({p[0]}) * {p[1]}"),
        two.map(lambda p: f"self.head({p[0]}, dim={p[1]})"),
        two.map(lambda p: f"({p[0]}) if {p[1]} else y"),
        inner.map(lambda e: f"torch.relu({e})[:, 0]"),
        inner.map(lambda e: f"({e}).view(-1, 3)"),
        inner.map(lambda e: f"[{e} for _ in range(3)]"),
        inner.map(lambda e: f"(lambda z: {e})"),
    )


expressions = st.recursive(names | numbers, _larger, max_leaves=6)
FORMS = ["F.softmax({}, dim=1)", "torch.softmax({}, 1)", "torch.nn.functional.softmax({}, dim=-1)", "softmax({}, 1)", "({}).softmax(dim=1)"]


def same(one: str, other: str) -> bool:
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


@relaxed
@given(expressions, st.sampled_from(FORMS), st.sampled_from(["return {}", "y = {}", "{}", "loss = criterion({}, target)"]))
def test_what_was_given_to_the_call_is_left(expression, form, statement):
    source = statement.format(form.format(expression))
    assert same(without_call(source, "softmax"), statement.format(f"({expression})"))


@relaxed
@given(expressions)
def test_a_line_without_the_call_gives_nothing(expression):
    assert without_call(f"return {expression}", "softmax") == ""
    assert without_call(f"return F.log_softmax({expression}, 1)", "softmax") == ""


@relaxed
@given(st.text(max_size=40))
def test_no_text_breaks_it(text):
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        assert without_call(text, "softmax") == ""


@pytest.mark.parametrize(
    ("source", "name", "left"),
    [
        ("code = self.encoder(x).detach()", "detach", "code = self.encoder(x)"),
        ("code = self.encoder(x).data", "data", "code = self.encoder(x)"),
        ("return self.head(x.data.view(-1))", "data", "return self.head(x.view(-1))"),
        ("y = torch.detach(x)", "detach", "y = x"),
        ("y = F.relu(self.a(F.relu(x)))", "relu", "y = self.a(x)"),
        ("y = x.relu().mean()", "relu", "y = x.mean()"),
        ("for x in", "relu", ""),
        ("data = x.view(2)", "data", ""),
    ],
)
def test_calls_attributes_and_halves(source, name, left):
    assert without_call(source, name) == left


@pytest.mark.parametrize(("path", "written"), [("", "net"), ("0", "net[0]"), ("a.1.b", "net.a[1].b"), ("layers.10", "net.layers[10]")])
def test_a_module_as_the_user_writes_it(path, written):
    assert module_expression("net", path) == written


@pytest.mark.parametrize("path", ["head", "body.0", "body.1.1"])
def test_the_written_module_is_that_module(path):
    net = nn.Module()
    net.head, net.body = nn.Linear(1, 1), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh(), nn.Tanh()))
    assert eval(module_expression("net", path), {"net": net}) is net.get_submodule(path)


def test_the_running_line_is_the_users_also_behind_a_library():
    here = running_line()  # here
    assert here.source == "here = running_line()  # here"
    behind = functools.reduce(lambda a, b: running_line(), [1, 2])
    assert behind.source.startswith("behind = functools.reduce") and behind.place.startswith("test_source.py, line ")


def test_a_line_of_a_cell_that_is_no_file():
    source = "def cell(look):\n    return look()   # in a cell\n"
    linecache.cache["<a cell>"] = (len(source), None, source.splitlines(True), "<a cell>")
    scope: dict = {}
    exec(compile(source, "<a cell>", "exec"), scope)
    assert scope["cell"](running_line) == Line("<a cell>, line 2", "return look()   # in a cell")


def test_the_raising_line_is_the_users_innermost():
    def fails():
        torch.ones(2, 3) @ torch.ones(2, 3)  # here

    with pytest.raises(RuntimeError) as caught:
        fails()
    number = fails.__code__.co_firstlineno + 1
    assert raising_line(caught.value) == f"test_source.py, line {number}"
    with pytest.raises(KeyError) as caught:
        eval(compile("{}[1]", torch.__file__, "eval"))  # raised in a line of torch's
    assert raising_line(caught.value).startswith("test_source.py")


def test_whose_file_it_is():
    assert is_users(__file__) and is_users("<ipython-input-3>") and is_users("/home/me/net.py")
    assert not any(map(is_users, (torch.__file__, ast.__file__, nn.__file__, "<frozen importlib>", running_line.__code__.co_filename)))


def test_where_names_what_is_known():
    assert where("", Line()) == "" and where("", Line("cell 3, line 1")) == "cell 3, line 1"
    assert "head" in where("head", Line("net.py, line 4")) and where("head", Line("net.py, line 4")).endswith("net.py, line 4")
    assert place("/a/b/net.py", 7) == "net.py, line 7"
