"""The plan in words: its verdict in one sentence, a table of the parts, one of the modules, one of the remedies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...document import Block, Code, Details, Table
from ...engine.evidence import Confidence, Finding
from ...engine.memory import in_words
from ...instruments.moments import KINDS, Peak

if TYPE_CHECKING:
    from . import MemoryPlan
    from .usage import ModuleUse

_ROWS, _SHOWN = 12, 60


def told(plan: MemoryPlan) -> str:
    """What is needed, and when."""
    if plan.training is None or plan.evaluation is None:
        return "nothing could be planned"
    return f"training needs {_at_its_peak(plan.training.peak)}; evaluation needs {in_words(plan.evaluation.peak.total)}"


def _at_its_peak(peak: Peak) -> str:
    where = f"the {peak.phase} of {peak.module}" if peak.module else f"the {peak.phase}"
    return f"{in_words(peak.total)} at its peak, in {where}"


def sentence(plan: MemoryPlan, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    if plan.crash is not None:
        message = next(iter(plan.crash.message.strip().splitlines()), "")
        return f"Not planned: the program crashed ({plan.crash.kind}: {message})."
    outcome = f"{_capital(told(plan))}; {limits(plan)}" if plan.limit < math.inf else _capital(told(plan))
    if not findings:
        return f"{outcome}."
    first = findings[0]
    word = "Proven" if first.confidence is Confidence.PROVEN else first.confidence.value.capitalize()
    done = first.fix.done or first.fix.sentence
    cured = f" With {done} {first.cured.told()}." if first.cured is not None else f" {first.check.title}"
    return f"{word}: {first.name}.{cured} {outcome}."


def limits(plan: MemoryPlan) -> str:
    """'it fits into 8.00 GB; the largest batch is 412'."""
    limit = in_words(plan.limit)
    verdict = f"it fits into {limit}" if plan.passed else f"it does not fit into {limit}"
    found = [(plan.largest, "in training"), (plan.largest_in_evaluation, "in evaluation")]
    if any(count == 0 for count, _ in found):
        return f"{verdict}, not even with one sample {next(where for count, where in found if count == 0)}"
    sizes = [f"{count} {where}" for count, where in found if count is not None]
    return f"{verdict}; the largest batch is {' and '.join(sizes)}" if sizes else verdict


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def blocks(plan: MemoryPlan) -> tuple[Block, ...]:
    """The tables."""
    if plan.crash is not None:
        return (Details("The exception, unchanged", (Code(plan.crash.traceback),)),)
    if plan.training is None or plan.evaluation is None:
        return ()
    columns = ("part", f"training, {_samples(plan.samples)}", f"evaluation, {_samples(plan.in_evaluation)}")
    found: list[Block] = [Table("Memory at the peak", columns, parts(plan.training.peak, plan.evaluation.peak))]
    found += _modules(plan.training.modules)
    if plan.remedies:
        rows = [(r.name, in_words(r.before), in_words(r.after), _saved(r.before, r.after), r.code) for r in plan.remedies]
        found.append(Table("What the remedies would do, each alone", ("remedy", "peak", "with it", "saved", "the line"), rows))
    found.append(Table("The plan", ("what", "seen"), facts(plan)))
    return tuple(found)


def _samples(count: int | None) -> str:
    return "one batch" if count is None else f"batch of {count}"


def parts(training: Peak, evaluation: Peak) -> list[tuple[str, str, str]]:
    """The kinds of memory, a row each, and their sum."""
    rows = [(kind, training.of(kind), evaluation.of(kind)) for kind in KINDS]
    rows.append(("all", training.total, evaluation.total))
    return [(kind, in_words(a), in_words(b)) for kind, a, b in rows if a or b]


def _modules(uses: tuple[ModuleUse, ...]) -> list[Block]:
    columns = ("module", "kind", "parameters", "gradients", "optimizer state", "kept for backward", "all")
    rows = [
        (use.name or "(the model itself)", use.kind, *map(in_words, (use.parameters, use.gradients, use.state, use.kept, use.total)))
        for use in uses
    ]
    found: list[Block] = [Table("What each module takes in training, largest first", columns, rows[:_ROWS])] if rows else []
    if len(rows) > _ROWS:
        rest = Table(f"The next ones, of {len(rows) - _ROWS}", columns, rows[_ROWS:_SHOWN])
        found.append(Details(f"The other {len(rows) - _ROWS} modules", (rest,)))
    return found


def _saved(before: int, after: int) -> str:
    """What a remedy saves, or costs: gradients that are added up stay while the next ones are made.

    >>> _saved(200, 150), _saved(200, 300)
    ('50 bytes (25%)', 'nothing: 100 bytes more')
    """
    if after > before:
        return f"nothing: {in_words(after - before)} more"
    return f"{in_words(before - after)} ({(before - after) / before:.0%})" if before else "nothing"


def facts(plan: MemoryPlan) -> list[tuple[str, str]]:
    """What was assumed, row by row."""
    rows = [
        (
            "planned",
            "from real runs of at most 32 samples, on a copy" if plan.really_run else "on paper: nothing was run, nothing was taken",
        )
    ]
    if plan.limit < math.inf:
        rows.append(("memory there is", in_words(plan.limit)))
    else:
        rows.append(("memory there is", "not asked: name it with --limit 8GB"))
    if plan.training is not None:
        rows.append(("gradients and optimizer state", f"{in_words(plan.training.gradients)} and {in_words(plan.training.state)}"))
        rows.append(("before the optimizer's first step", in_words(plan.training.first_pass)))
    if plan.default_optimizer:
        rows.append(("optimizer", "none given: the guide's Adam at 3e-4 was used"))
    return rows
