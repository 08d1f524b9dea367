"""A magic's line, cut into words.

IPython hands a magic one string. Its own parser cuts at every space, keeps quotes and knows neither comments nor `;`, so that
`loss(weight=w, reduction="sum")` would fall apart. Here a word ends only where Python itself would be between two expressions.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Mapping

from ..engine.errors import UserMistake
from .closest import did_you_mean
from .options import Option

_PIECE = re.compile(
    r'''(?P<string>"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')'''
    r"""|(?P<quote>["'])|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comment>\#.*)|(?P<end>;)"""
    r"""|(?P<gap>\s+|(?<=\s),|,(?=[\s;\#]|$))|(?P<other>.)""",
    re.DOTALL,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclasses.dataclass(frozen=True)
class Line:
    """What was typed: expressions by place, options as text (flags: empty text), and whether the line ends in `;`."""

    positional: tuple[str, ...] = ()
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    silent: bool = False


def split(line: str) -> tuple[list[str], bool]:
    """The words of a line, and whether a `;` ends it. Brackets and quotes hold a word together; a comment is dropped.

    >>> split('net(x) loader.dataset[0], nn.CrossEntropyLoss(label_smoothing=0.1) (lambda o, t: o - t)')[0]
    ['net(x)', 'loader.dataset[0]', 'nn.CrossEntropyLoss(label_smoothing=0.1)', '(lambda o, t: o - t)']
    >>> split('net["a b"] ; # on purpose')
    (['net["a b"]'], True)
    """
    words, waiting, ended = [""], list[str](), False
    for piece in _PIECE.finditer(line):
        kind, text = piece.lastgroup, piece.group()
        if kind == "comment":
            break
        if ended and kind not in ("gap", "end"):
            raise UserMistake(f"`{line[piece.start() :].strip()}` stands after the `;`", do="write it on a line of its own")
        if kind == "quote":
            raise UserMistake(f"the quote {text} in `{line.strip()}` is never closed")
        waiting = _brackets(waiting, kind, text, line)
        if waiting or kind not in ("gap", "end"):
            words[-1] += text
        else:
            ended = ended or kind == "end"
            words.append("")
    if waiting:
        raise UserMistake(f"a bracket in `{line.strip()}` is never closed", expected=f"`{waiting[-1]}`")
    return [word for word in words if word], ended


def _brackets(waiting: list[str], kind: str | None, text: str, line: str) -> list[str]:
    """The closing brackets still owed after this piece."""
    if kind == "open":
        return [*waiting, _CLOSES[text]]
    if kind != "close":
        return waiting
    if waiting[-1:] != [text]:
        raise UserMistake(f"`{text}` in `{line.strip()}` closes nothing", expected=f"`{waiting[-1]}`" if waiting else "")
    return waiting[:-1]


def parse(line: str, options: Mapping[str, Option]) -> Line:
    """The line's expressions and options; `options` says what may follow a `--`.

    >>> parse("net --steps=300 -q dl;", {"steps": Option("steps", "a whole number"), "quiet": Option("quiet", "a flag")})
    Line(positional=('net', 'dl'), options={'steps': '300', 'quiet': ''}, silent=True)
    """
    words, silent = split(line)
    rest, positional, given = collections.deque(words), list[str](), dict[str, str]()
    while rest:
        word = rest.popleft()
        if not word.startswith("-"):
            positional.append(word)
            continue
        dashed, equals, value = word.partition("=")
        option = _option(dashed, options)
        if option.is_flag and equals:
            raise UserMistake(f"{dashed} takes no value", do=f"write {dashed} alone")
        if option.alone and not equals and (not rest or rest[0].startswith("--")):
            continue
        if not option.is_flag and not equals:
            value = rest.popleft() if rest else "--"
        if not option.is_flag and (not value or value.startswith("--")):
            raise UserMistake(f"{dashed} wants {option.kind}, none was given")
        given[option.name] = value
    return Line(tuple(positional), given, silent)


_SHORT = {"-q": "--quiet", "-h": "--help"}


def _option(dashed: str, options: Mapping[str, Option]) -> Option:
    """The option of that name; `_` and `-` are one."""
    name = _SHORT.get(dashed, dashed).removeprefix("--").replace("_", "-")
    known = {option.dashed.removeprefix("--"): option for option in options.values()}
    if name in known and dashed.startswith(("--", *_SHORT)):
        return known[name]
    near = did_you_mean(name.lstrip("-"), known, "--{}", margin=0.1)
    raise UserMistake(f"no option {dashed}", do=near or f"the options are {', '.join(option.dashed for option in options.values())}")
