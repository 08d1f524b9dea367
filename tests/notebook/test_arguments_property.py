"""Any line made of expressions falls apart into just these expressions again."""

from __future__ import annotations

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.notebook.arguments import parse, split
from dldebug_magics.notebook.names import Names
from dldebug_magics.notebook.options import ROLES

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
NUMBERS = st.one_of(st.integers(0, 10**6), st.floats(0, 1e9)).map(repr)
ATOMS = st.one_of(NAMES, NUMBERS, st.text(max_size=8).map(repr))


def larger(inner):
    several = st.lists(inner, max_size=3)
    return st.one_of(
        st.tuples(NAMES, several, st.sampled_from([",", ", ", " , "])).map(lambda c: f"{c[0]}({c[2].join(c[1])})"),
        st.tuples(NAMES, inner).map(lambda c: f"{c[0]}[{c[1]}]"),
        st.tuples(NAMES, NAMES).map(".".join),
        several.map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(NAMES, inner).map(lambda c: f"{{'{c[0]}': {c[1]}}}"),
        st.tuples(NAMES, inner).map(lambda c: f"(lambda {c[0]}, t: {c[1]})"),
        st.tuples(NAMES, inner).map(lambda c: f"{c[0]}(key={c[1]})"),
    )


EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=8)
FLAGS = st.sampled_from([role.name for role in ROLES])
GAPS = st.sampled_from([" ", "  ", "\t", ", ", " , "])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(EXPRESSIONS, max_size=5), GAPS, st.sampled_from(["", " ", ";", " ;", "  # note (", " ; # it's"]))
def test_what_was_joined_falls_apart_again(expressions, gap, end):
    words, silent = split(gap.join(expressions) + end)
    assert words == expressions and silent == (";" in end)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(EXPRESSIONS, max_size=3), st.dictionaries(FLAGS, EXPRESSIONS, max_size=3), st.randoms())
def test_options_stand_anywhere(expressions, flagged, random):
    pieces = [*expressions]
    for name, text in flagged.items():
        pieces.insert(random.randint(0, len(pieces)), f"--{name}={text}" if random.random() < 0.5 else f"--{name} {text}")
    typed = parse(" ".join(pieces), {role.name: role for role in ROLES})
    assert list(typed.positional) == expressions and typed.options == flagged


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=30))
def test_any_text_is_split_or_refused_in_one_line(text):
    try:
        words, _ = split(text)
    except UserMistake as mistake:
        assert "\n" not in str(mistake)
    else:
        assert all(word == word.strip() for word in words)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_any_text_is_evaluated_or_refused_in_one_line(text):
    try:
        Names({"__builtins__": {}, "net": 1}).value(text)
    except UserMistake as mistake:
        assert "\n" not in str(mistake)
