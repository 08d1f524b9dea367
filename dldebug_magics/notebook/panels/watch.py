"""The panel of `%%watch`: any of what was recorded as charts, a step to jump to and what happened there, what was found and its line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...document import Panels as Charts
from ...document import Table, Text
from . import look
from .course import Course
from .marks import Marks
from .panel import Panel
from .request import Request
from .slider import Slider

if TYPE_CHECKING:
    from ...engine.report import Report

_MOST = 8  # charts that are drawn at a time
_GROUPS = 4  # layer groups that are drawn at first


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel with what the report's loop recorded."""
    loop: Any = report.experiment if report is not None else None
    if report is None or loop is None or not loop.taken:
        panel.put(panel.text(look.line("No optimizer step was seen: there is nothing to draw.")), panel.text(_found(report)))
        return
    Recorded(panel, Course(loop), _found(report))


class Recorded:
    """The charts, the step that is looked at, and the events."""

    def __init__(self, panel: Panel, course: Course, found: str):
        self.panel, self.course, made = panel, course, panel.made
        self.charts, self.event, self.seen = panel.text(), panel.text(), panel.text()
        start, width = usual(course), made.Layout(width="auto", min_width="14em")
        self.series = {n: made.Checkbox(value=n in start, description=n, indent=False, layout=width) for n in course.series}
        for box in self.series.values():
            panel.watched(box, self._draw)
        self.marks = Marks(course.loop, course.series)
        self.step = Slider(panel, "step", course.last, self._jumped)
        ways = [("Previous event", self.marks.before, "before"), ("Next event", self.marks.behind, "behind")]
        self.events = [
            panel.button(label, functools.partial(self._leap, way, where), disabled=not self.marks.at) for label, way, where in ways
        ]
        choice = made.HBox(list(self.series.values()), layout=made.Layout(flex_flow="row wrap", max_height="12em", overflow="auto"))
        panel.put(panel.text(found), choice, self.charts, self.step.box, made.HBox([*self.events, self.event]), self.seen)
        self._draw()
        self.step.draw()

    def _draw(self) -> None:
        """Draw what is chosen; a step is then marked in it without drawing."""
        chosen = [name for name, box in self.series.items() if box.value]
        courses = tuple((name, *self.course.series[name]) for name in chosen[:_MOST])
        more = f" The first {_MOST} of {len(chosen)} are drawn." if len(chosen) > _MOST else ""
        title = f"What was recorded over the optimizer steps{f'.{more}' if more else ''}"
        self.marked = Charts(title, "optimizer step", courses).drawn() if courses else None
        self.more = look.line(more.strip()) if more else ""
        self._mark()

    def _mark(self) -> None:
        drawn = look.card(self.marked(self.step.number.value)) if self.marked is not None else look.line("No series is chosen.")
        self.charts.value = drawn + self.more

    def _leap(self, way: Callable[[int], int | None], where: str) -> None:
        step = way(self.step.number.value)
        if step is None:
            self.panel.say(f"There is no event {where} step {self.step.number.value}.")
        else:
            self.step.number.value = step
            self.panel.say(f"Went to the event at step {step}.")

    def _jumped(self, step: int) -> str:
        self._mark()
        events = self.course.events(step)
        noted = Text("This step was counted and not noted in full; the first ones are, and those around what is out of the ordinary.")
        self.seen.value = look.card((events or noted).as_html() + self.course.numbers(step).as_html())
        self.event.value = look.line(self.marks.told(step), "status")
        return self.course.told(step)


def usual(course: Course) -> tuple[str, ...]:
    """What is drawn at first: the loss, the rate where it changes, the gradient norms, the first and last layer groups among them."""
    changes = {name for name in ("loss", "rate") if name in course.series and (name == "loss" or len(set(course.series[name][1])) > 1)}
    groups = course.groups
    ends = groups if len(groups) <= _GROUPS else [*groups[: _GROUPS // 2], *groups[-_GROUPS // 2 :]]
    totals = [name for name in course.series if name.startswith("gradient norm") and name not in groups]
    return tuple(name for name in course.series if name in (*changes, *totals[:2], *ends))


def _found(report: Report | None) -> str:
    """What was found, each with its line; and what else happened at a line of its own."""
    if report is None:
        return ""
    loop: Any = report.experiment
    rows = [(f.name, f.confidence.value, f.where or "the whole loop", f.fix.sentence) for f in report.findings]
    if loop is not None and loop.crash is not None:
        rows.append((f"{loop.crash.kind} ended the loop", "seen", loop.crash.line.place, loop.crash.message))
    if loop is not None and loop.spoilt is not None:
        spoilt = loop.spoilt
        rows.append((f"the loss is not finite from step {spoilt.number}", "seen", spoilt.line.place, spoilt.operation or spoilt.because))
    table = Table("What was found, and where", ("what", "how sure", "where", "what to do, or what was seen"), rows)
    return look.card(table.as_html()) if rows else look.line("Nothing wrong was seen in the loop.")
