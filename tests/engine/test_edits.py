"""Edits of a source: the code that results is right to the letter, or there is none."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, strategies

from dldebug_magics.engine.edits import Argument, Enclose, Insert, Move, Part, Remove, Replace, Unwrap, Wrap, corrected

LOOP = """\
%%watch net
for epoch in range(3):
    # every batch
    for x, y in loader:  # shuffled
        loss = F.cross_entropy(
            net(x).softmax(1),  # probabilities
            y,
        )
        if loss > 3:
            loss.backward()
        opt.step()
    total += loss  # kept
!nvidia-smi
"""


def at(line, file=""):
    return file, line


def lines(source):
    return source.split("\n")


def changes(edit, source=LOOP):
    """The lines that went, and those that came, with their indentation."""
    new = corrected(source, [edit] if not isinstance(edit, list) else edit)
    assert new is not None
    gone = [line for line in lines(source) if line not in lines(new)]
    return gone, [line for line in lines(new) if line not in lines(source)]


def test_lines_are_put_in_with_the_indentation_of_their_neighbour():
    assert changes(Insert(at(10), "opt.zero_grad()")) == ([], ["            opt.zero_grad()"])
    assert changes(Insert(at(11), "opt.zero_grad()", after=True)) == ([], ["        opt.zero_grad()"])
    new = lines(corrected(LOOP, [Insert(at(6), "net.train()", around="loop"), Insert(at(6), "net.cpu()", around="loops")]))
    assert new[1] == "net.cpu()" and new[4] == "    net.train()" and new[3] == "    # every batch"


def test_a_statement_goes_out_of_a_loop_and_into_one():
    assert lines(corrected(LOOP, [Move(at(11), at(12), after=True)]))[10:12] == ["    total += loss  # kept", "    opt.step()"]
    assert lines(corrected(LOOP, [Move(at(12), at(11))]))[10:12] == ["        total += loss  # kept", "        opt.step()"]
    assert lines(corrected(LOOP, [Move(at(11), at(10))]))[8:11] == [
        "        if loss > 3:",
        "            opt.step()",
        "            loss.backward()",
    ]
    assert lines(corrected(LOOP, [Move(at(10), at(11), after=True)]))[8:11] == [
        "        opt.step()",
        "        if loss > 3:",
        "            loss.backward()",
    ]


def test_a_part_of_a_statement_is_changed_where_it_stands():
    assert changes(Unwrap(at(5), "softmax"))[1] == ["            net(x),  # probabilities"]
    assert changes(Enclose(at(12), Part(), "{}.item()"))[1] == ["    total += loss.item()  # kept"]
    assert changes(Enclose(at(10), Part("backward"), "({} / 4)"))[1] == ["            (loss / 4).backward()"]
    assert changes(Argument(at(7), "softmax", "dim", "-1", 0))[1] == ["            net(x).softmax(-1),  # probabilities"]
    assert changes(Replace(at(4), "loader", "train_loader"))[1] == ["    for x, y in train_loader:  # shuffled"]
    assert changes(Argument(at(1), "f", "a", "1"), "x = f(\n    2,\n)\n")[1] == ["    2, a=1,"]


def test_brackets_are_set_where_the_meaning_asks_for_them():
    assert corrected("z = (a + b).detach() * 2", [Unwrap(at(1), "detach")]) == "z = (a + b) * 2"
    assert corrected("f(-torch.softmax(a - b, 1))", [Unwrap(at(1), "softmax")]) == "f(-(a - b))"
    assert corrected("s += a if b else c", [Enclose(at(1), Part(), "{}.item()")]) == "s += (a if b else c).item()"
    assert corrected("é = ü + torch.softmax(ö, 1)", [Unwrap(at(1), "softmax")]) == "é = ü + ö"


def test_several_edits_find_their_lines_as_they_were():
    edits = [Insert(at(2), "net.train()"), Remove(at(11)), Insert(at(10), "opt.step()", after=True), Unwrap(at(5), "softmax")]
    new = corrected(LOOP, edits)
    assert lines(new)[:3] == ["%%watch net", "net.train()", "for epoch in range(3):"] and "            opt.step()" in lines(new)


def test_a_loop_is_put_under_a_new_line():
    source = "for x in val:\n    f(x)\n\n    g(x)\n"
    assert corrected(source, [Wrap(at(2), "with no_grad():", around="loop")]) == (
        "with no_grad():\n    for x in val:\n        f(x)\n\n        g(x)\n"
    )
    assert corrected("n = sum(f(x) for x in val)", [Wrap(at(1), "with no_grad():", around="loop")]).endswith(
        "\n    n = sum(f(x) for x in val)"
    )


@pytest.mark.parametrize(
    ("source", "edit"),
    [
        ("a(); b()", Insert(at(1), "c()")),
        ("for x in y: step()", Remove(at(1))),
        ("for x in y: step()", Insert(at(1), "c()", after=True)),
        ("for x in y:\n    if x:\n        break\n", Move(at(3), at(1))),
        ("if a:\n    b()\nelif c:\n    d()\n", Insert(at(3), "e()")),
        ("def f():\n    return 1\n", Insert(at(2), "c()", after=True)),
        ("for r in rates:\n    opt = Adam(lr=r)\n", Move(at(2), at(1))),  # its rate is set by the loop
        ("for e in range(3):\n    f('''a\n  b''')\n", Move(at(2), at(1))),
        ("if a:\n    b()\n    c()\n", Move(at(1), at(2))),  # into itself
        ("def f(net):\n    net(1)\ndef g(model):\n    net = 1\n", Insert(at(2), "model.train()")),  # no model there
        ("if a:\n    b()\n    c()\nd()\n", Move(at(2), at(4))),  # it would no longer be done on a condition
        ("for fold in folds:\n    trainer.fit(net)\n", Insert(at(2), "opt.zero_grad()")),  # a library's loop
        ("for fold in folds:\n    trainer.fit(net)\n", Move(at(2), at(2), after=True, around="loop")),
        ("found.fit(x, y)", Enclose(at(1), Part("(,)", 1), "{}.unsqueeze(-1)")),
        ("%time step()", Remove(at(1))),
        ("step()", Remove(at(7))),
        ("step(", Remove(at(1))),
        ("f(g(1), g(2))", Argument(at(1), "g", "a", "1")),
        ("f(**settings)", Argument(at(1), "f", "a", "1")),
        ("a = b", Replace(at(1), "c", "d")),
        ("a = b", Replace(at(1), "b", "(")),
        ("a = b", Insert(at(1), "for")),
        ("a = softmax", Unwrap(at(1), "softmax")),
    ],
)
def test_what_is_not_certain_is_refused(source, edit):
    assert corrected(source, [edit]) is None


def test_a_statement_that_was_changed_is_not_changed_again():
    assert corrected("a = b.item()", [Unwrap(at(1), "item"), Replace(at(1), "b", "c")]) is None
    assert corrected("a = 1\n", [Remove(at(1)), Insert(at(1), "c()")]) is None


NAMES = strategies.sampled_from(["loss", "net(x)", "opt.step()", "a + b", "F.softmax(z, 1)", "'é'", '"""a\nb"""'])
SIMPLE = NAMES.map(lambda name: f"{name}\n") | NAMES.map(lambda name: f"k = ({name})  # kept\n") | strategies.just("# alone\npass\n")


def indented(body):
    return "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())


def compound(blocks):
    heads = strategies.sampled_from(["for x in y:  # rows", "if a:", "with b as c:", "@d\ndef e(f):", "while (\n    a\n):", "try:"])
    return strategies.tuples(heads, blocks).map(
        lambda pair: f"{pair[0]}\n{indented(pair[1])}" + "finally:\n    pass\n" * (pair[0] == "try:")
    )


BLOCKS = strategies.recursive(
    strategies.lists(SIMPLE, min_size=1, max_size=3).map("".join),
    lambda blocks: strategies.lists(compound(blocks) | SIMPLE, min_size=1, max_size=3).map("".join),
    max_leaves=6,
)
AROUND = strategies.sampled_from(["", "loop", "loops"])
WHERE = strategies.integers(1, 14).map(at)
EDITS = strategies.one_of(
    strategies.builds(
        Insert, WHERE, strategies.just("new()\nnew()"), strategies.booleans(), strategies.sampled_from(["", "loop", "loops"])
    ),
    strategies.builds(Remove, WHERE),
    strategies.builds(Move, WHERE, WHERE, strategies.booleans(), AROUND),
    strategies.builds(Wrap, WHERE, strategies.just("with new():")),
    strategies.builds(Unwrap, WHERE, strategies.just("softmax")),
    strategies.builds(Enclose, WHERE, strategies.just(Part()), strategies.just("{}.item()")),
)


@given(BLOCKS)
def test_no_edit_changes_nothing(source):
    ast.parse(source)
    assert corrected(source, []) == source and corrected("%%watch\n" + source, []) == "%%watch\n" + source


@given(BLOCKS, EDITS)
def test_the_result_parses_and_other_lines_stay(source, edit):
    new = corrected(source, [edit])
    if new is None:
        return
    ast.parse(new)
    assert new != source or isinstance(edit, Move)
    if isinstance(edit, Insert):
        assert [line for line in lines(new) if "new()" not in line] == lines(source)
    statements = len([n for n in ast.walk(ast.parse(new)) if isinstance(n, ast.stmt)])
    before = len([n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt)])
    assert statements - before in {Insert: (2,), Wrap: (1,), Remove: tuple(range(-20, 1))}.get(type(edit), (0, 1))
    assert sorted(line.strip() for line in lines(new) if "#" in line) == sorted(line.strip() for line in lines(source) if "#" in line) or (
        isinstance(edit, Remove | Unwrap | Enclose)
    )
