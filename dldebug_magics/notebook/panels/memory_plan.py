"""The panel of `%memory_plan`: another batch size, a remedy, another limit, against what there is; a size is planned anew where asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...document import Block, Table, Text, as_html
from ...engine.memory import bytes_of, in_words
from . import look
from .panel import Panel
from .planned_sizes import AS_IT_IS, Sizes
from .request import Request
from .runner import Runner

if TYPE_CHECKING:
    from ...engine.report import Report

_WIDTH = 20
_MOST = 1000  # times the batch: as far as a size can be chosen
_NOT_PLANNED = "Two plans give every other size: press Plan this batch size."
_ALONE = "A remedy is planned alone; what two save together is not their sum. It changes training; evaluation is as planned."


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel, and begin with the report that it was opened with."""
    room = Room(panel)
    room.runner = Runner(panel, request, room.show, folded=True)
    panel.put(room.box, room.runner.box)
    if report is not None:
        room.show(report)


class Room:
    """What training and evaluation need at the chosen size, with the chosen remedy, beside what there is."""

    runner: Runner

    def __init__(self, panel: Panel):
        self.panel, self.sizes, self.limit = panel, Sizes(), math.inf
        self.controls, self.sentence, self.result = panel.made.VBox(), panel.text(), panel.text()
        self.box = panel.made.VBox([self.controls, self.sentence, self.result])
        self.number: Any = None
        self.remedy: Any = None
        self.there: Any = None

    def show(self, report: Report) -> None:
        """Begin anew, with this report."""
        plan: Any = report.experiment
        if plan is None or plan.training is None or plan.evaluation is None or plan.samples is None:
            self.panel.fill(self.controls, [])
            self.sentence.value = ""
            self.result.value = look.line(
                "No batch size can be chosen: nothing was planned, or nobody knows how many samples a batch holds."
            )
            return
        self.sizes, self.limit = Sizes(), plan.limit
        self.sizes.add(plan)
        self._made(plan.samples)

    def _made(self, samples: int) -> None:
        """The controls, anew."""
        made, panel, named = self.panel.made, self.panel, {"style": {"description_width": "9em"}}
        short = made.Layout(width="21em")
        self.number = made.BoundedIntText(value=samples, min=1, max=_MOST * samples, description="batch size", **named, layout=short)
        wide = made.Layout(width="38em", max_width="100%")
        self.remedy = made.Dropdown(options=self.sizes.choices(), value=AS_IT_IS, description="remedy", **named, layout=wide)
        hint = "such as 8GB" if self.limit == math.inf else in_words(self.limit)
        self.there = made.Text(description="memory there is", placeholder=hint, continuous_update=False, **named, layout=short)
        for control in (self.number, self.remedy, self.there):
            panel.watched(control, self._draw)
        button = panel.button("Plan this batch size", lambda: self.runner.work.begin(self._planned))
        panel.fill(self.controls, [made.HBox([self.number, button]), self.remedy, self.there])
        self._draw()

    def _planned(self) -> str:
        """Plan the chosen size, with the options of the last run, beside the sizes known."""
        samples = self.number.value
        report, said = self.runner.followed(self.runner.request.reports({**self.runner.asked, "samples": f"{samples}"}))
        plan: Any = report.experiment if report is not None else None
        if plan is None or plan.training is None or plan.evaluation is None or plan.samples != samples:
            return said
        changed = self.sizes.add(plan)
        options, chosen = self.sizes.choices(), self.remedy.value
        self.remedy.options = options
        self.remedy.value = chosen if chosen in options else AS_IT_IS
        self._draw()
        return f"{said}{' The program is another one than before: the former plans are forgotten.' * changed}"

    def _draw(self) -> None:
        """What is known of so many samples, and one sentence on it."""
        samples = self.number.value
        limit = bytes_of(self.there.value) if self.there.value.strip() else self.limit
        remedy = self.remedy.value
        needs = {"training": self.sizes.training(samples, remedy), "evaluation": self.sizes.evaluation(samples)}
        source = self.sizes.source(samples)
        own = next(iter(self.sizes.plans.values()))
        batch = {"training": samples, "evaluation": samples if own.in_evaluation == own.samples else own.in_evaluation}
        rows = [_row(f"{where}, batch of {batch[where]}", need, limit) for where, need in needs.items()]
        columns = ("what", "needs", f"of {in_words(limit)}" if limit < math.inf else "of what there is", "")
        blocks: list[Block] = [Table(f"{samples} samples, {remedy}; {source}", columns, rows), *map(Text, self._remarks(limit, remedy))]
        self.result.value = look.card(as_html(blocks))
        self.sentence.value = look.line(_sentence(samples, remedy, needs, limit), "status")

    def _remarks(self, limit: float, remedy: str) -> list[str]:
        found = [_NOT_PLANNED] if len(self.sizes.plans) < 2 else []
        most = self.sizes.largest(limit, remedy)
        if most is not None:
            fit = f"the largest batch that fits in training is {most}" if most else "not even one sample fits in training"
            found.append(f"Along these lines, {remedy}, {fit}.")
        return [*found, _ALONE]


def _row(what: str, need: float | None, limit: float) -> tuple[str, str, str, str]:
    """What is needed, its share of the limit in numbers and as a bar, and the verdict in words."""
    if need is None:
        return what, "not planned at this size", "", ""
    if limit == math.inf:
        return what, in_words(need), "no limit is known", ""
    full = min(_WIDTH, round(_WIDTH * need / limit))
    return what, in_words(need), f"{need / limit:.0%} {'█' * full}{'░' * (_WIDTH - full)}", _verdict(need, limit)


def _verdict(need: float, limit: float) -> str:
    if need <= limit:
        return f"OK: fits, {in_words(limit - need)} are left"
    return f"FAIL: does not fit, {in_words(need - limit)} too much"


def _sentence(samples: int, remedy: str, needs: dict[str, float | None], limit: float) -> str:
    known = {where: need for where, need in needs.items() if need is not None}
    if not known:
        return f"{samples} samples: not planned at this size."
    where = max(known, key=lambda name: known[name])
    told = f"{samples} samples, {remedy}: {where} needs the most, {in_words(known[where])}"
    if limit == math.inf:
        return f"{told}; no limit is known."
    return f"{told} of {in_words(limit)}. {_verdict(known[where], limit)}."
