"""Which part of a program each expression on the line is: the first is the model, the others go by what they are, so order is no trap."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.errors import UserMistake
from .metric import metric_named
from .names import Names, is_module
from .optimizers import kind_named

FIELDS = {
    "model": "model",
    "loss": "loss_fn",
    "optimizer": "optimizer",
    "train": "train",
    "val": "val",
    "test": "test",
    "train_val": "train_val",
    "test_val": "test_val",
    "human": "human",
    "target": "target",
    "metric": "metric",
    "scheduler": "scheduler",
    "step": "step",
}
SPLITS = ("train", "train_val", "val", "test_val", "test")
_ORDER = ("model", "loss_fn", "optimizer", "train", "val")
_WORDS = {"loss_fn": "loss", "train": "training data", "val": "validation data", "test": "test data"}


@dataclasses.dataclass(frozen=True)
class Named:
    """A value and the user's own words for it."""

    text: str
    value: Any


def assigned(positional: Iterable[str], flagged: Mapping[str, str], names: Names) -> dict[str, Named]:
    """The parts of the subject that the line names, each expression evaluated once. `None` says that there is no such part.

    >>> {field: named.text for field, named in assigned(["3", "None", "[1, 2]"], {"val": "[3]"}, Names({})).items()}
    {'model': '3', 'loss_fn': 'None', 'train': '[1, 2]', 'val': '[3]'}
    """
    given = {FIELDS[flag]: Named(text, _flagged(flag, text, names)) for flag, text in flagged.items()}
    placed: dict[str, Named] = {}
    for text in positional:
        here = Named(text, names.value(text))
        field = _place(here.value, given, placed)
        if not field:
            raise UserMistake(f"`{text}` has no place here", expected="model loss_fn optimizer train_loader val_loader")
        if field in given:
            flag = next(flag for flag, name in FIELDS.items() if name == field)
            raise UserMistake(f"both `{given[field].text}` and `{text}` are named as the {part(field)}", do=f"keep one, as --{flag}")
        placed[field] = given[field] = here
    return {field: given[field] for field in FIELDS.values() if field in given}


def _flagged(flag: str, text: str, names: Names) -> Any:
    """What stands behind a flag: a value; for an optimizer also the name of its kind, for a metric that of a known one."""
    if flag == "metric":
        return metric_named(text, names)
    kind = kind_named(text, names) if flag == "optimizer" else None
    return names.value(text) if kind is None else kind


def _place(value: Any, given: Mapping[str, Named], placed: Mapping[str, Named]) -> str:
    """The field that a value goes to: by what it is, or the next free one where that says nothing."""
    if "model" not in given:
        return "model"
    kind = "" if value is None else kind_of(value)
    if kind == "train" and "train" in placed:
        return "val"
    return kind or next((field for field in _ORDER if field not in given), "")


def kind_of(thing: Any) -> str:
    """The field that a value after the model belongs to, by what it can do; empty for what fits none.

    >>> kind_of([1, 2]), kind_of(print), kind_of("text"), kind_of(3)
    ('train', 'loss_fn', '', '')
    """
    if isinstance(thing, (str, bytes, int, float, type)):
        return ""
    if hasattr(thing, "param_groups") and hasattr(thing, "step"):
        return "optimizer"
    if hasattr(thing, "get_last_lr") or (hasattr(thing, "optimizer") and hasattr(thing, "step")):
        return "scheduler"
    if is_module(thing):
        return "loss_fn"
    if hasattr(thing, "__iter__") or hasattr(thing, "__getitem__") or (dataclasses.is_dataclass(thing) and not callable(thing)):
        return "train"
    return "loss_fn" if callable(thing) else ""


def part(field: str) -> str:
    """What a message calls a field.

    >>> part("loss_fn"), part("optimizer")
    ('loss', 'optimizer')
    """
    return _WORDS.get(field, field)
