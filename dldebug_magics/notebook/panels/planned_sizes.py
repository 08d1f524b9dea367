"""What plans at a few batch sizes tell of the sizes between and beside them: memory lies on straight lines, the peak on the highest one.

A peak is the highest of several moments, each a straight line in the batch; so between two planned sizes it is at most what the line
through them says, and beside them at least that.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

AS_IT_IS = "as it is"
_HALVES = "half as many samples at a time, gradients of 2 batches added up"


@dataclasses.dataclass
class Sizes:
    """Plans of one program, by the number of samples."""

    plans: dict[int, Any] = dataclasses.field(default_factory=dict)

    def add(self, plan: Any) -> bool:
        """Keep a plan; those of another program are forgotten. Whether there were any of another program."""
        changed = any(_program(other) != _program(plan) for other in self.plans.values())
        self.plans = {**({} if changed else self.plans), plan.samples: plan}
        return changed

    def choices(self) -> list[str]:
        """As it is, and each remedy that runs at every size planned."""
        found = [set(_remedies(plan)) for plan in self.plans.values()]
        return [AS_IT_IS, *(name for name in _remedies(next(iter(self.plans.values()))) if all(name in names for names in found))]

    def training(self, samples: float, remedy: str = AS_IT_IS) -> float | None:
        """The peak of training; None where only another size was planned."""
        return self._at(samples, lambda plan: plan.training.peak.total if remedy == AS_IT_IS else _remedies(plan)[remedy].after)

    def evaluation(self, samples: float) -> float | None:
        """The peak of evaluation, of a batch as large; of the validation data's own where there are some."""
        return self._at(samples, lambda plan: plan.evaluation.peak.total)

    def largest(self, limit: float, remedy: str = AS_IT_IS, most: int = 10**9) -> int | None:
        """The most samples that training has room for along the lines, and 0 where one has none; None where that can't be told."""
        if len(self.plans) < 2 or limit == math.inf:
            return None
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            need = self.training(middle, remedy)
            low, high = (middle, high) if need is not None and need <= limit else (low, middle - 1)
        return low if low < most else None

    def source(self, samples: int) -> str:
        """Where a number for so many samples comes from."""
        if samples in self.plans:
            return "planned at this size"
        if len(self.plans) < 2:
            return "not planned at this size"
        below, above = self._around(samples)
        word = "at most" if below < samples < above else "about, and at least"
        return f"{word}: on the line through the plans of {below} and {above} samples"

    def _at(self, samples: float, need: Callable[[Any], int]) -> float | None:
        if samples in self.plans:
            return float(need(self.plans[int(samples)]))
        if len(self.plans) < 2:
            return None
        below, above = self._around(samples)
        first, last = need(self.plans[below]), need(self.plans[above])
        return max(0.0, first + (last - first) * (samples - below) / (above - below))

    def _around(self, samples: float) -> tuple[int, int]:
        """The planned sizes on both sides; the two nearest where all are on one side."""
        known = sorted(self.plans)
        place = min(max(sum(size < samples for size in known), 1), len(known) - 1)
        return known[place - 1], known[place]


def _remedies(plan: Any) -> dict[str, Any]:
    """The remedies in training by names that do not tell the batch's size, each once."""
    return {_HALVES if "samples at a time" in r.name else r.name: r for r in plan.remedies if "in evaluation" not in r.name}


def _program(plan: Any) -> Any:
    """What two plans of one program have in common."""
    return plan.names, plan.training.state, {use.name: use.parameters for use in plan.training.modules if use.parameters}
