"""The panel of `%shape_trace`: the table folded to a depth or down to what is looked for, and other sizes, traced with shapes alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from . import look
from .panel import Panel
from .request import Request
from .runner import Runner
from .shape_rows import Rows
from .slider import Slider

if TYPE_CHECKING:
    from ...engine.report import Report
    from ...instruments.forms import Form
    from ...observations.shape_trace import ShapeTrace

_FAKE = "without numbers and memory: whatever the size, at once"
_FEW, _OPEN = 40, 2  # rows that are all shown at the start; levels that are, where there are more


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel, and begin with the report that it was opened with."""
    shapes = Shapes(panel)
    shapes.runner = Runner(panel, request, shapes.show, folded=True)
    panel.put(shapes.runner.box, shapes.sizes_box, shapes.view_box, shapes.table)
    if report is not None:
        shapes.show(report)


class Shapes:
    """The table of the last trace, a depth and a text to see it by, and the sizes to trace next."""

    runner: Runner

    def __init__(self, panel: Panel):
        self.panel, made = panel, panel.made
        self.rows: Rows | None = None
        style, wide = {"description_width": "7em"}, made.Layout(width="24em")
        self.batch = made.BoundedIntText(value=1, min=1, max=10**9, description="batch size", style=style, layout=made.Layout(width="13em"))
        self.sizes = made.Text(placeholder="such as 32x3x224x224", description="input sizes", style=style, layout=wide)
        self.fake = made.Checkbox(value=True, description="fake tensors", layout=made.Layout(width="auto", min_width="16em"))
        self.filter = made.Text(placeholder="a path, type or shape", description="filter", style=style, layout=wide)
        self.depth = Slider(panel, "levels open", 1, self._opened, first=1)
        self.table, wrapped = panel.text(), made.Layout(flex_flow="row wrap", align_items="center")
        retrace = panel.button("Trace these sizes", self._start)
        self.sizes_box = made.VBox(
            [
                made.HBox([self.batch, self.sizes, retrace], layout=wrapped),
                made.HBox([self.fake, panel.text(look.line(_FAKE))], layout=wrapped),
            ]
        )
        self.view_box = made.VBox([self.depth.box, self.filter])
        panel.watched(self.batch, self._resized)
        panel.watched(self.filter, self.depth.draw)

    def show(self, report: Report, sizes: str = "") -> None:
        """Begin anew, with this report; `sizes` as they were typed, where they were."""
        from ...observations.shape_trace.part import part

        trace: Any = report.experiment and part(cast("ShapeTrace", report.experiment))
        if trace is None or not trace.rows:
            return
        self.rows = Rows(trace)
        self.depth.number.max = self.depth.handle.max = self.rows.deepest
        start = trace.depth or (self.rows.deepest if len(trace.rows) <= _FEW else _OPEN)
        self.depth.number.value = self.depth.handle.value = min(start, self.rows.deepest)
        typed = sizes or self.runner.asked.get("input") or as_typed(trace.inputs)
        if typed:
            self.sizes.value = typed
            self.batch.value = trace.inputs[0].shape[0]
        self.depth.draw()

    def _opened(self, levels: int) -> str:
        """Draw the table; what is looked for stands open at any depth."""
        if self.rows is None:
            return "Nothing is traced yet."
        text = self.filter.value.strip()
        if not text:
            self.table.value = look.card(self.rows.open(levels))
            return f"{levels} of {self.rows.deepest} levels are open"
        drawn, count = self.rows.holding(text)
        self.table.value = look.card(drawn)
        return f"{count} of {len(self.rows.trace.rows) + len(self.rows.trace.idle)} calls match; all of them are shown open"

    def _resized(self) -> None:
        self.sizes.value = of_batch(self.sizes.value, self.batch.value)

    def _start(self) -> None:
        sizes, fake = self.sizes.value.strip(), self.fake.value
        if not sizes:
            self.panel.say("FAIL: no sizes to trace; type some, such as 32x3x224x224")
            return
        self.runner.work.begin(lambda: self._traced(sizes, fake))

    def _traced(self, sizes: str, fake: bool) -> str:
        """Trace made-up inputs; with numbers where the model reads some, which is no fault of it."""
        asked = {name: text for name, text in self.runner.asked.items() if name not in ("input", "time")}
        request, how = self.runner.request, "on fake tensors" if fake else "on real ones"
        report, said = self.runner.followed(request.reports({**asked, "input": sizes, **({"device": "meta"} if fake else {})}))
        if report is not None and fake and reads_numbers(report):
            how = "on real ones, for the model reads numbers, which fake tensors have none of"
            report, said = self.runner.followed(request.reports({**asked, "input": sizes}))
        if report is None or report.experiment is None:
            return said if report is None else "; ".join(report.not_examined) or "The budget was over before the trace began."
        self.show(report, sizes)
        return f"{said} Input {sizes}, {how}."


def reads_numbers(report: Report) -> bool:
    """Whether a trace without numbers broke for want of them."""
    failure: Any = getattr(report.experiment, "failure", None)
    return failure is not None and "meta" in failure.message.lower()


def as_typed(forms: Sequence[Form]) -> str:
    """The shapes as they would be typed; empty where one can't be.

    >>> from dldebug_magics.instruments.forms import Form
    >>> as_typed([Form((2, 3)), Form((2,), "int64")]), as_typed([Form(())])
    ('2x3,2:int64', '')
    """
    if not forms or any(not form.shape or form.packed for form in forms):
        return ""
    return ",".join("x".join(map(str, form.shape)) + (f":{form.dtype}" if form.dtype != "float32" else "") for form in forms)


def of_batch(typed: str, size: int) -> str:
    """The typed shapes with another first axis, wherever it is as long as that of the first shape.

    >>> of_batch("ids=8x128:int64,8,3x8", 16)
    'ids=16x128:int64,16,3x8'
    """
    first = re.search(r"(?<![\w:])(\d+)", typed)
    return re.sub(rf"(^|[\s,(=\[])({first[1]})(?=$|[\s,x:)\]])", rf"\g<1>{size}", typed) if first else typed
