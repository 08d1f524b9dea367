"""The line of a magic: where words end, what options hold, and one clear sentence for every slip."""

from __future__ import annotations

import pytest

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.notebook.arguments import parse, split
from dldebug_magics.notebook.closest import did_you_mean
from dldebug_magics.notebook.names import Names
from dldebug_magics.notebook.options import COMMON, FLAG, NUMBER, SECONDS, WHOLE, WORD, Option, value_of


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   net   loss_fn ", ["net", "loss_fn"]),
        ("net(x) loader.dataset[0]", ["net(x)", "loader.dataset[0]"]),
        ("nn.NLLLoss(weight=w, reduction='mean') d['a b']", ["nn.NLLLoss(weight=w, reduction='mean')", "d['a b']"]),
        ("(lambda o, t: (o - t).abs().mean()) dl", ["(lambda o, t: (o - t).abs().mean())", "dl"]),
        ("net # loss_fn", ["net"]),
        ("d['#'] x", ["d['#']", "x"]),
        ("net, loss_fn , opt", ["net", "loss_fn", "opt"]),
        ("(1, 2), dl", ["(1, 2)", "dl"]),
        ('f("it\'s (") x', ['f("it\'s (")', "x"]),
        (r"f('a\' b') x", [r"f('a\' b')", "x"]),
        ('d["""a "b" c"""] x', ['d["""a "b" c"""]', "x"]),
        ("{'k': [x for x in y]} z", ["{'k': [x for x in y]}", "z"]),
    ],
)
def test_a_word_ends_where_an_expression_does(line, words):
    assert split(line) == (words, False)


@pytest.mark.parametrize("line", ["net;", "net ;", "net ; # why", "net;;", ";"])
def test_a_semicolon_at_the_end_silences_and_belongs_to_no_word(line):
    words, silent = split(line)
    assert silent and words in (["net"], [])


def test_a_semicolon_in_a_string_is_a_part_of_it():
    assert split("d[';'] x") == (["d[';']", "x"], False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("net(x", "never closed; expected `)`"),
        ("net[(x]", "closes nothing; expected `)`"),
        ("net)", "`)` in `net)` closes nothing"),
        ("d['a", "the quote ' in `d['a` is never closed"),
        ("net; opt", "`opt` stands after the `;`"),
        ("net --stepz 3", "no option --stepz; did you mean --steps?"),
        ("net --step-s", "no option --step-s; did you mean --steps?"),
        ("net --xyzzy", "no option --xyzzy; the options are --steps, --rate,"),
        ("net -x", "no option -x"),
        ("net --steps", "--steps wants a whole number, none was given"),
        ("net --steps --quiet", "--steps wants a whole number, none was given"),
        ("net --steps=", "--steps wants a whole number, none was given"),
        ("net --quiet=yes", "--quiet takes no value"),
    ],
)
def test_a_slip_is_one_clear_line(line, message, options):
    with pytest.raises(UserMistake) as caught:
        parse(line, options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_options_stand_anywhere_and_in_both_spellings(options):
    typed = parse("net --steps 300 loss_fn --rate=-1e-3 -q dl --no-plot --val (a, b)", options)
    assert typed.positional == ("net", "loss_fn", "dl")
    assert dict(typed.options) == {"steps": "300", "rate": "-1e-3", "quiet": "", "plot": "", "val": "(a, b)"}


def test_a_negative_number_can_be_a_value(options):
    assert parse("net --rate -0.5", options).options["rate"] == "-0.5"


def test_options_come_from_the_signature_of_the_experiment(options):
    kinds = {name: option.kind for name, option in options.items() if name in ("steps", "rate", "shuffle", "plot", "kind", "weights")}
    assert kinds == {"steps": WHOLE, "rate": NUMBER, "shuffle": FLAG, "plot": FLAG, "kind": WORD, "weights": "a name or an expression"}
    assert options["steps"].meaning == "how often" and options["plot"].dashed == "--no-plot"
    assert {option.name for option in COMMON} <= options.keys()


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (Option("steps", WHOLE), "1_000", 1000),
        (Option("steps", WHOLE), "n", 7),
        (Option("steps", WHOLE), "2*n", 14),
        (Option("rate", NUMBER), "1e-3", 0.001),
        (Option("rate", NUMBER), "n", 7),
        (Option("budget", SECONDS), "30s", 30.0),
        (Option("kind", WORD), "'two words'", "two words"),
        (Option("kind", WORD), "plain", "plain"),
        (Option("shuffle", FLAG, False), "", True),
        (Option("plot", FLAG, True), "", False),
    ],
)
def test_a_value_is_a_literal_or_what_a_name_holds(option, text, value):
    assert value_of(option, text, Names({"n": 7}).value) == value


@pytest.mark.parametrize("text", ["abc", "1.5", "True", "[1]", "'3'", "n", "1 +", "nan"])
def test_a_value_of_another_kind_is_named(text):
    with pytest.raises(UserMistake) as caught:
        value_of(Option("steps", WHOLE), text, Names({"n": "seven"}).value)
    assert str(caught.value) == f"--steps wants a whole number, was given {text!r}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle", "no name `modle` here; did you mean `model`?"),
        ("modle(3)", "no name `modle` here; did you mean `model`?"),
        ("_hidden", "no name `_hidden` here"),
        ("model[5]", "`model[5]` raised IndexError: list index out of range"),
        ("lambda", "`lambda` is not an expression"),
        ("1/0", "`1/0` raised ZeroDivisionError: division by zero"),
    ],
)
def test_an_expression_that_stands_for_nothing_is_one_line(text, message):
    with pytest.raises(UserMistake) as caught:
        Names({"model": [1], "_hiddem": 1}).value(text)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_names_are_looked_up_where_the_magic_stands():
    names = Names({"x": 1, "y": 2}, {"x": 10})
    assert names.value("x") == 10 and names.value("(lambda z: x + y + z)(1)") == 13


@pytest.mark.parametrize(("word", "answer"), [("lose", "did you mean `loss`?"), ("q", ""), ("LOSS", "did you mean `loss`?")])
def test_did_you_mean(word, answer):
    assert did_you_mean(word, ["loss", "model"]) == answer
    assert did_you_mean(word, []) == ""
