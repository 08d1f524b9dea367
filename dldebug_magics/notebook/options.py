"""The options of a magic, read from the signature of its experiment: a parameter added there appears here, in the help and under Tab."""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine.errors import UserMistake

if TYPE_CHECKING:
    from ..engine.observation import Observation

FLAG, WHOLE, NUMBER, WORD, EXPRESSION = "a flag", "a whole number", "a number", "a word", "a name or an expression"
MODULE = "the path of a module"
SECONDS = "a number of seconds above 0"
_KINDS = {bool: FLAG, int: WHOLE, float: NUMBER, str: WORD}


@dataclasses.dataclass(frozen=True)
class Option:
    """One option: its kind in the words that a message uses, its default, what it is for, and whether it may stand without a value."""

    name: str
    kind: str
    default: Any = None
    meaning: str = ""
    alone: bool = False

    @property
    def is_flag(self) -> bool:
        """True for an option that stands alone."""
        return self.kind == FLAG

    @property
    def dashed(self) -> str:
        """As typed. A flag that is on by default is typed to turn it off.

        >>> Option("max_steps", WHOLE).dashed, Option("plot", FLAG, True).dashed
        ('--max-steps', '--no-plot')
        """
        return f"--{'no-' if self.is_flag and self.default is True else ''}{self.name.replace('_', '-')}"


ROLES = tuple(
    Option(name, EXPRESSION, meaning=meaning)
    for name, meaning in (
        ("model", "the model"),
        ("loss", "the loss, called with (output, target)"),
        ("optimizer", "the optimizer"),
        ("train", "training data: a DataLoader, a Dataset or one batch"),
        ("val", "validation data"),
        ("test", "test data"),
        ("train_val", "samples like those of train that were not trained on"),
        ("test_val", "validation data like those of test"),
        ("human", "how a person does, by the same metric: an error rate such as 0.02"),
        ("target", "a value that was published, or is required"),
        ("metric", "a function metric(output, target) -> number, or a name: error, f1, rmse, sklearn.f1_score"),
        ("scheduler", "the scheduler"),
        ("step", "a function step(batch) -> loss, for unusual programs"),
    )
)
COMMON = (
    Option("budget", SECONDS, 60.0, "seconds the whole answer may take"),
    Option("seed", WHOLE, 0, "the seed of every random number drawn"),
    Option("device", WORD, "", "where copies are examined, such as cuda:1; without it where the model is"),
    Option("quiet", FLAG, False, "show nothing; the report is only returned (-q)"),
    Option("panel", FLAG, False, "open a panel below the report, to try changes in"),
    Option("assert", FLAG, False, "fail the cell when the report is not ok"),
    Option("help", FLAG, False, "show this (-h)"),
)


def options_of(experiment: type[Observation]) -> dict[str, Option]:
    """Everything that may follow `--` after an experiment's magic: its own options, then those that all magics share."""
    from ..engine.observation import options

    hints = typing.get_type_hints(experiment.measure)
    page = " ".join((experiment.measure.__doc__ or "").split())
    found = options(experiment).values()
    none = {p.name: None if p.default == () else p.default for p in found}  # nobody types an empty tuple, and a panel must not either
    own = {p.name: Option(p.name, _kind(hints.get(p.name), p.default), none[p.name], _meaning(p.name, page)) for p in found}
    shared = {option.name: option for option in (*ROLES, *COMMON)}
    own |= {name: dataclasses.replace(own[name], kind=MODULE) for name in experiment.module_paths}
    return own | shared | {name: dataclasses.replace(shared[name], alone=True) for name in experiment.without_value}


def _meaning(name: str, page: str) -> str:
    """What a docstring says of a parameter, up to the end of the sentence.

    >>> _meaning("size", "Train. steps: how many. size: samples at most; fewer if there are fewer.")
    'samples at most'
    """
    found = re.search(rf"(?:^|\s){name}: (.*?)(?:[.;](?:\s|$)|$)", page)
    return found[1] if found else ""


def _kind(hint: Any, default: Any) -> str:
    """The kind of value that an annotation asks for; an optional one asks for the value itself."""
    wanted = [kind for kind in (typing.get_args(hint) or (hint,)) if kind is not type(None)]
    return _KINDS.get(wanted[0], EXPRESSION) if len(wanted) == 1 and wanted[0] else _KINDS.get(type(default), EXPRESSION)


def value_of(option: Option, text: str, evaluate: Callable[[str], Any]) -> Any:
    """The value an option's text stands for: a literal, else what the name or expression holds.

    >>> value_of(Option("steps", WHOLE), "300", eval), value_of(Option("budget", NUMBER), "2.5", eval)
    (300, 2.5)
    """
    if option.is_flag:
        return option.default is not True
    if option.kind == EXPRESSION:
        return evaluate(text)
    if option.kind in (WORD, MODULE):
        return text[1:-1] if text[:1] in "\"'" and text[:1] == text[-1:] and len(text) > 1 else text
    value = _number(option, text, evaluate)
    if value is None or math.isnan(value) or (option.kind == SECONDS and value <= 0):
        raise UserMistake(f"{option.dashed} wants {option.kind}, was given {text!r}")
    return value


def _number(option: Option, text: str, evaluate: Callable[[str], Any]) -> Any:
    """The number, None where the text holds no number of the option's kind. Seconds may carry their unit: `30s`."""
    wanted: tuple[type, ...] = (int,) if option.kind == WHOLE else (int, float)
    try:
        return wanted[-1](text.removesuffix("s") if option.kind == SECONDS else text)
    except ValueError:
        value = _evaluated(text, evaluate)
    return value if isinstance(value, wanted) and not isinstance(value, bool) else None


def _evaluated(text: str, evaluate: Callable[[str], Any]) -> Any:
    """What the text holds; None where it holds nothing, since the option's own message says it better."""
    try:
        return evaluate(text)
    except UserMistake:
        return None
