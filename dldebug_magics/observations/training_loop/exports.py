"""What was recorded of a watched loop, for other programs: as CSV, and for TensorBoard."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...engine.errors import UserMistake

if TYPE_CHECKING:
    from . import TrainingLoop

Row = dict[str, Any]
_FIRST = ("step", "phase", "optimizer", "loss", "rate", "gradient", "update", "weights", "memory", "seconds", "waited")


def to_csv(loop: TrainingLoop, path: str | os.PathLike) -> None:
    """Write what was recorded, a row a step; numbers that were not taken there are left empty.

    step: from 0. phase: "train", or "evaluate" for passes that no backward pass followed, before that step. loss: of the step's last
    backward pass. rate: the first group's. gradient, update, weights: norms, of all and of each layer group (`gradient of NAME`).
    memory: bytes. seconds: since the watch began, of which the loop waited `waited` for its loaders.
    """
    rows = recorded(loop)
    groups = dict.fromkeys(name for row in rows for name in row if name not in _FIRST)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*_FIRST, *groups])
        writer.writeheader()
        writer.writerows({name: value for name, value in row.items() if not _unknown(value)} for row in rows)


def to_tensorboard(loop: TrainingLoop, directory: str | os.PathLike) -> None:
    """Write what was recorded as scalars over the steps into a directory that TensorBoard reads."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserMistake("tensorboard is not installed", do="pip install tensorboard") from None
    optimizers = {moment.optimizer for moment in loop.moments}
    with SummaryWriter(str(directory)) as writer:
        for row in recorded(loop):
            for name, value in row.items():
                if name not in ("step", "phase", "optimizer") and not _unknown(value):
                    which = f"{name} ({row['optimizer']})" if len(optimizers) > 1 and name in ("gradient", "update", "weights") else name
                    writer.add_scalar(which.replace("gradient of ", "gradient/"), value, row["step"])


EXPORTS: Mapping[str, Callable[..., None]] = {"to_csv": to_csv, "to_tensorboard": to_tensorboard}


def recorded(loop: TrainingLoop) -> list[Row]:
    """All that is known of each step, in order: the rate of all (as far as they were kept), and the numbers of those looked at."""
    rows: dict[int, Row] = {}
    for place, rate in zip(_steps(loop), loop.rates, strict=True):
        rows[place] = {"step": place, "phase": "train", "rate": rate}
    for place, loss in _losses(loop).items():
        rows[place]["loss"] = loss
    for moment in loop.moments:
        row = moment._asdict()
        groups, number = row.pop("groups"), row.pop("number")
        row |= {"step": number, "phase": "train", "optimizer": loop.named(moment.optimizer)}
        del row["on_device"]
        rows[number] = row | {f"gradient of {name}": norm for name, norm in groups}
    evaluations = [{"step": e.step, "phase": "evaluate"} for e in loop.evaluations]
    return sorted([*rows.values(), *evaluations], key=lambda row: (row["step"], row["phase"]))


def _steps(loop: TrainingLoop) -> list[int]:
    """The numbers of the steps whose rates were kept."""
    kept = len(loop.rates)
    return [(i + 1) * loop.taken // kept - 1 for i in range(kept)]


def _losses(loop: TrainingLoop) -> Mapping[int, float]:
    """The loss of each step, where there was one backward pass to each, as the steps that were looked at bear out."""
    if len(loop.losses) != len(loop.rates):
        return {}
    found = dict(zip(_steps(loop), loop.losses, strict=True))
    fits = all(m.loss == found[m.number] or math.isnan(m.loss) for m in loop.moments if m.number in found)
    return found if fits else {}


def _unknown(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
