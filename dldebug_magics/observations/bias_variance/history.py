"""The losses of a training, epoch by epoch, as users have them: numbers, pairs, records, a table, or the file that a logger wrote."""

from __future__ import annotations

import csv
import dataclasses
import math
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...engine.errors import UserMistake

_VAL, _TRAIN = {"val", "valid", "validation", "eval", "dev"}, {"train", "training"}
_FORMS = "validation losses by epoch, pairs (train, val), records with val_loss and train_loss, a DataFrame, or the path of a CSV file"


@dataclasses.dataclass(frozen=True)
class History:
    """The validation loss of each epoch, and the training loss (empty where it is not known; NaN where it is missing)."""

    epochs: tuple[float, ...]
    val: tuple[float, ...]
    train: tuple[float, ...] = ()


def history_of(given: Any) -> History:
    """Read what the user has. A `UserMistake` of one line where it is none of these forms, or holds no validation loss.

    given: validation losses [epochs]; pairs (train, val) [epochs, 2]; records, one a row, or columns by name; a pandas DataFrame; the path
    of a CSV file. In records and tables rows may be missing one loss or the other, as loggers write them; the training losses of one epoch
    are averaged.

    >>> history_of([0.9, 0.5, 0.6]).val, history_of([(0.8, 0.9), (0.4, 0.5)]).train
    ((0.9, 0.5, 0.6), (0.8, 0.4))
    >>> history_of([{"epoch": 0, "loss": 2.0}, {"epoch": 0, "eval_loss": 1.5}, {"epoch": 1, "loss": 1.0}, {"epoch": 1, "eval_loss": 1.2}])
    History(epochs=(0.0, 1.0), val=(1.5, 1.2), train=(2.0, 1.0))
    """
    if isinstance(given, (str, os.PathLike)):
        return _of_rows(_read(given))
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return _of_rows(given.to_dict("records"))
    given = getattr(given, "history", given)  # the object that fit() gives elsewhere
    if isinstance(given, Mapping):
        columns = {name: list(column) for name, column in given.items() if isinstance(column, Iterable) and not isinstance(column, str)}
        longest = max(map(len, columns.values()), default=0)
        return _of_rows([{name: column[row] for name, column in columns.items() if row < len(column)} for row in range(longest)])
    rows = list(given) if isinstance(given, Iterable) and getattr(given, "ndim", None) != 0 else []
    if not rows:
        raise UserMistake(f"`history` is {_a(given)}", expected=_FORMS)
    return _of_rows(rows) if all(isinstance(row, Mapping) for row in rows) else _of_numbers(rows)


def _of_numbers(rows: list[Any]) -> History:
    pairs = all(isinstance(row, Iterable) and not isinstance(row, str) and getattr(row, "ndim", None) != 0 for row in rows)
    table = [list(map(_float, row)) if pairs else [_float(row)] for row in rows]
    if any(len(row) != len(table[0]) or len(row) > 2 or None in row for row in table):
        raise UserMistake("`history` holds rows that are neither a loss nor a pair of losses", expected=_FORMS)
    columns = [[value for value in column if value is not None] for column in zip(*table, strict=True)]
    return _finite(tuple(float(number) for number in range(1, len(table) + 1)), columns[-1], columns[0] if len(columns) == 2 else [])


def _of_rows(rows: list[Mapping[str, Any]]) -> History:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    val, train = _named(names, _VAL), _named(names, _TRAIN) or ("loss" if "loss" in names else "")
    if not val:
        raise UserMistake(f"`history` has no validation loss among {', '.join(names[:8]) or 'nothing'}", expected="one named val_loss")
    epochs, losses, beside, waiting = list[float](), list[float](), list[float](), list[float]()
    for row in rows:
        loss, now = _number(row.get(val)), _number(row.get("epoch"))
        trained = _number(row.get(train))
        if trained is not None and now is not None and epochs and now <= epochs[-1] and not math.isfinite(beside[-1]):
            beside[-1] = trained  # a logger that writes an epoch's training loss behind its validation loss
        elif trained is not None:
            waiting.append(trained)
        if loss is not None:
            epochs.append(float(len(epochs) + 1) if now is None else now)
            losses.append(loss)
            beside.append(sum(waiting) / len(waiting) if waiting else math.nan)
            waiting = []
    return _finite(tuple(epochs), losses, beside if any(map(math.isfinite, beside)) else [])


def _named(names: list[str], words: set[str]) -> str:
    """The column whose name has `loss` and one of the words; of several that of whole epochs, and the plainest.

    >>> _named(["loss/train", "train_loss_step", "train_loss_epoch", "val_acc"], {"train"}), _named(["valLoss"], {"val"})
    ('train_loss_epoch', 'valLoss')
    """
    parts = {name: [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)] for name in names}
    found = [name for name, split in parts.items() if "loss" in split and words & set(split)]
    return min(found, key=lambda name: ("epoch" not in parts[name], "step" in parts[name], len(name)), default="")


def _finite(epochs: tuple[float, ...], val: list[float], train: list[float]) -> History:
    kept = [place for place, loss in enumerate(val) if math.isfinite(loss)]
    if not kept:
        raise UserMistake("`history` holds no validation loss that is a number", expected=_FORMS)
    return History(*(tuple(column[place] for place in kept) if column else () for column in (epochs, val, train)))


def _number(value: Any) -> float | None:
    """A number; None where there is none, as in an empty cell of a table (NaN, or nothing)."""
    number = _float(value)
    return None if number is None or math.isnan(number) else number


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):  # no number, or several
        return None


def _read(path: str | os.PathLike) -> list[Mapping[str, Any]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserMistake(f"`history` {os.fspath(path)!r} can't be read: {error}", expected="the path of a CSV file") from None


def _a(thing: Any) -> str:
    return "empty" if isinstance(thing, Iterable) else f"a {type(thing).__name__}"
