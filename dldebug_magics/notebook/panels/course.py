"""What a watched loop recorded, looked up for its panel: a course for each number of it, and all that is known of a step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...document import Table

if TYPE_CHECKING:
    from ...observations.training_loop import TrainingLoop

_GROUP = "gradient of "
_TOTALS = ("gradient", "update", "weights")
_NAMES = {"gradient": "gradient norm", "update": "norm of the update", "weights": "norm of the weights"}
_NAMES |= {"memory": "memory in MB", "seconds": "seconds so far", "waited": "seconds waited for data"}
_FEW = 6  # layer groups that a sentence can name
_NOT_DRAWN = ("step", "phase", "optimizer")


class Course:
    """`series`: steps and values by name, in the order of the table that `to_csv` writes. `last`: the number of the last step."""

    def __init__(self, loop: TrainingLoop):
        from ...observations.training_loop.exports import recorded

        self.loop, self.last = loop, max(loop.taken - 1, 0)
        self.several = len({moment.optimizer for moment in loop.moments}) > 1
        self.series: dict[str, tuple[list[int], list[float]]] = {}
        for row in recorded(loop):
            if row["phase"] == "train":
                self._add(row)

    def _add(self, row: Mapping[str, Any]) -> None:
        for key, value in row.items():
            if key in _NOT_DRAWN or (math.isnan(value) and not (key == "loss" and self.loop.spoilt is not None)):
                continue
            steps, values = self.series.setdefault(self._name(key, row), ([], []))
            steps.append(row["step"])
            values.append(value / 1e6 if key == "memory" else value)

    def _name(self, key: str, row: Mapping[str, Any]) -> str:
        if key.startswith(_GROUP):
            return f"gradient norm, {key.removeprefix(_GROUP)}"
        name = _NAMES.get(key, key)
        return f"{name}, {row['optimizer']}" if key in _TOTALS and self.several else name

    @property
    def groups(self) -> list[str]:
        """The series of the layer groups."""
        totals = () if not self.several else tuple(f"gradient norm, {self.loop.named(m.optimizer)}" for m in self.loop.moments)
        return [name for name in self.series if name.startswith("gradient norm, ") and name not in totals]

    def at(self, name: str, step: int) -> tuple[float, int] | None:
        """The value of a series at a step, or the last before it, and at which step that was taken; None before the first."""
        steps, values = self.series[name]
        place = bisect_right(steps, step) - 1
        return (values[place], steps[place]) if place >= 0 else None

    def told(self, step: int) -> str:
        """Loss, rate and gradient norms at a step, in a sentence.

        >>> from dldebug_magics.observations.training_loop import TrainingLoop
        >>> Course(TrainingLoop(taken=2, losses=(2.0, 1.5), rates=(0.1, 0.1))).told(1)
        'Step 1 of 0 to 1: loss 1.5, rate 0.1; no gradient was looked at up to here.'
        """
        whole = [f"{name} {_since(seen, step)}" for name in ("loss", "rate") if (seen := self.at(name, step))]
        norms = {name.removeprefix("gradient norm, "): self.at(name, step) for name in self.series if name.startswith("gradient norm")}
        told = _norms(
            {name: seen[0] for name, seen in norms.items() if seen}, [name.removeprefix("gradient norm, ") for name in self.groups]
        )
        at = max((seen[1] for seen in norms.values() if seen), default=step)
        looked = f" (looked at in step {at})" if at < step else ""
        gradients = f"{told}{looked}" if told else "no gradient was looked at up to here"
        return f"Step {step} of 0 to {self.last}: {', '.join(whole) or 'no loss was read'}; {gradients}."

    def numbers(self, step: int) -> Table:
        """All that is known at a step."""
        found = {name: self.at(name, step) for name in self.series}
        rows = [(name, f"{seen[0]:.4g}", str(seen[1])) for name, seen in found.items() if seen is not None]
        return Table(f"What is known at step {step}", ("what", "value", "taken at step"), rows)

    def events(self, step: int) -> Table | None:
        """What happened from the step before to the end of this one, with the lines; None where the step was not noted in full."""
        events = next((seen.events for seen in self.loop.steps if seen.number == step), None)
        if events is None:
            return None
        rows = [(type(event).__name__, event.line.place, event.line.source, str(getattr(event, "times", 1))) for event in events]
        return Table(f"What happened in step {step}", ("what", "where", "line", "times"), rows)


def _since(seen: tuple[float, int], step: int) -> str:
    return f"{seen[0]:.3g}" if seen[1] == step else f"{seen[0]:.3g} (of step {seen[1]})"


def _norms(norms: Mapping[str, float], groups: Sequence[str]) -> str:
    """Norms in words; of many groups the largest and the smallest.

    >>> _norms({"gradient norm": 5.0, "net.0": 3.0, "net.2": 4.0}, ["net.0", "net.2"])
    'gradient norm 5; of net.0 3, net.2 4'
    >>> _norms({f"net.{place}": float(place) for place in range(9)}, [f"net.{place}" for place in range(9)])
    'gradient norms of net.8 8 (the largest) to net.0 0 (the smallest)'
    """
    whole = ", ".join(f"{name} {norm:.3g}" for name, norm in norms.items() if name not in groups)
    inside = sorted((name for name in groups if name in norms), key=lambda name: -norms[name])
    listed = ", ".join(f"{name} {norms[name]:.3g}" for name in groups if name in norms)
    if len(inside) > _FEW:
        first, last = inside[0], inside[-1]
        listed = f"{first} {norms[first]:.3g} (the largest) to {last} {norms[last]:.3g} (the smallest)"
    if not listed:
        return whole
    return f"{whole}; of {listed}" if whole else f"gradient norms of {listed}"
