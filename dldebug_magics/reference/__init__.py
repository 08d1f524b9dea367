"""A check's page, made from the check: what it is, how it shows, how it is proven, when it is something else, and the fix as a difference.

`%explain` and the documentation print the same page. Names come from the files, so that listing them imports nothing. What stands in a
docstring under headings is a table; a remedy's page is made alike (`remedies.py`).
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..document import Block, Code, Heading, Table, Text

if TYPE_CHECKING:
    from ..engine.check import Check, Example


def check_names() -> tuple[str, ...]:
    """Every cause that can be named.

    >>> "softmax_before_cross_entropy" in check_names()
    True
    """
    from ..checks import files

    return tuple(dict.fromkeys(cause for _, cause in files()))


def names() -> tuple[str, ...]:
    """Everything that has a page: the causes, then the remedies."""
    from .remedies import remedy_names

    return tuple(dict.fromkeys((*check_names(), *remedy_names())))


def page(name: str) -> tuple[Block, ...]:
    """The page of one cause, which may be heard at several stages, or of a remedy; a name that is none gets the nearest ones."""
    from ..checks import files, load
    from ..engine.errors import UserMistake
    from .remedies import remedy_blocks

    stages = [stage for stage, cause in files() if cause == name]
    found = tuple(block for stage in stages for block in blocks(load(stage, name))) + remedy_blocks(name)
    if not found:
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.5)
        raise UserMistake(f"no cause is called `{name}`", do=f"did you mean {', '.join(near)}?" if near else "%explain lists them all")
    return found


def blocks(check: Check) -> tuple[Block, ...]:
    """A check's docstring as blocks: its title, the paragraphs, a table of what is said under headings, and the two examples."""
    head = f"{check.name} ({check.stage}, {check.severity.value})"
    found = told(head, check.page, "How it is told", [("Fix", sentence) for sentence in fixes(check)])
    if check.bad_examples and check.good_examples:
        found += [
            Text("A program that has it, and the same program without:"),
            Code(difference(check.bad_examples[0], check.good_examples[0])),
        ]
    return tuple(found)


def told(head: str, text: str, caption: str, more: Sequence[tuple[str, str]] = ()) -> list[Block]:
    """A docstring below a heading: its title, its paragraphs, and a table of what is said under headings, with `more` of that."""
    title, *rest = text.split("\n\n")
    rows = [row for part in rest if _headed(part) for row in sections(part)]
    plain = [Text(" ".join(part.split())) for part in rest if not _headed(part)]
    return [Heading(head), Text(title), *plain, Table(caption, ("", ""), [*rows, *more])]


def _headed(paragraph: str) -> bool:
    head, colon, _ = paragraph.partition(":")
    return bool(colon) and len(head) < 20 and "\n" not in head


def sections(paragraph: str) -> list[tuple[str, str]]:
    """The lines of 'Head: text', each with what follows it.

    >>> sections("Shows as: a plateau\\nat 1.46.\\nSee: torch.")
    [('Shows as', 'a plateau at 1.46.'), ('See', 'torch.')]
    """
    rows: list[tuple[str, str]] = []
    for line in paragraph.splitlines():
        head, colon, text = line.partition(": ")
        if colon and len(head) < 20 and head[:1].isupper():
            rows.append((head, text.strip()))
        elif rows:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
    return rows


def fixes(check: Check) -> list[str]:
    """The sentences of the fixes that a check may propose, read from its source; what it fills in stands in angle brackets.

    >>> from ..checks import load
    >>> fixes(load("overfit", "lr_too_high"))
    ['Lower the rate to <rate>.']
    """
    tree = ast.parse(inspect.getsource(inspect.getmodule(check.function)))  # type: ignore[arg-type]
    named = {ast.unparse(node.targets[0]): node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)}
    given = [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Fix" and node.args]
    return list(dict.fromkeys(text for argument in given for text in _sentences(named.get(ast.unparse(argument), argument))))


def _sentences(node: ast.expr) -> list[str]:
    """The text of an expression: a string, one with places to fill in, or either of two."""
    if isinstance(node, ast.IfExp):
        return [*_sentences(node.body), *_sentences(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(_filled_in(part) for part in node.values)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _filled_in(part: ast.expr) -> str:
    """A placeholder by the last word of its expression, behind whatever is done to it.

    >>> _filled_in(ast.parse("f'{last.name.strip()}'").body[0].value.values[0])
    '<name>'
    """
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        value = value.func.value
    words = re.findall(r"[A-Za-z_]{2,}", ast.unparse(value))
    return f"<{words[-1].replace('_', ' ')}>" if words else "<...>"


def difference(bad: Example, good: Example) -> str:
    """What both examples build on, then the bad one's lines with `-` and the good one's with `+`."""
    module = inspect.getmodule(bad)
    own = [thing for name, thing in vars(module).items() if name.startswith("_") and getattr(thing, "__module__", "") == module.__name__]  # type: ignore[union-attr]
    shared = [thing for thing in own if inspect.isclass(thing) or thing.__name__ == "_program"]
    return "\n".join([*(line for thing in shared for line in [*_lines("  ", thing), ""]), *_lines("- ", bad), *_lines("+ ", good)])


def _lines(mark: str, part: Any) -> list[str]:
    source = textwrap.dedent(inspect.getsource(part)).splitlines()
    return [(mark + line).rstrip() for line in source if not line.startswith("@")]
