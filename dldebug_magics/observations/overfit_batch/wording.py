"""The overfit test in words: its progress line, its verdict in one sentence, and the blocks of its report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...document import Block, Code, Details, Figure, Table
from ...engine.evidence import Confidence, Finding
from ...plot import sparkline
from .curve import Shape

if TYPE_CHECKING:
    from . import OverfitBatch
    from .training import Crash


def number(value: float) -> str:
    """A loss as people write it: three significant figures, no exponent where none is needed.

    >>> number(2.3026), number(0.0004), number(86777.0), number(float("nan"))
    ('2.30', '0.0004', '86777', 'nan')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-4 <= abs(value) < 0.1:
        return f"{value:.2g}"
    if abs(value) < 1e-4:
        return f"{value:.0e}"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.0f}" if abs(value) < 1e6 else f"{value:.2e}"


def progress(losses: tuple[float, ...], steps: int) -> str:
    """'step 120 of 300   2.3 (sparkline) 0.31'."""
    count = len(losses)
    return f"step {count} of {max(steps, count)}  loss {sparkline(losses, 30)}"


def sentence(run: OverfitBatch, findings: tuple[Finding, ...]) -> str:
    """The first line of the report: verdict, cause, proof."""
    outcome = told(run)
    if run.passed and not findings:
        return f"It learns: {outcome}."
    proven = [f for f in findings if f.confidence is Confidence.PROVEN]
    if not findings and run.crash is not None:
        return f"{_capital(outcome)}."
    if not findings and not run.decided:
        return f"Not decided: {outcome}. Give it more time with --budget."
    if not findings and run.settled:
        return f"It learns as far as it goes: {outcome}, at a minimum that L-BFGS does not leave either. No cause was proven."
    if not findings:
        return f"It does not learn: {outcome}. No cause was proven."
    first = findings[0]
    names = " and ".join((first.name, *first.together_with))
    cured = first.cured
    if cured is not None and cured.losses:
        done = " and ".join(f.fix.done or f.fix.sentence for f in findings if f is first or f.name in first.together_with)
        steps = f"in {len(cured.losses)} steps"
        proof = f"with {done} the loss falls from {number(cured.first)} to {number(cured.final)} {steps}"
        return f"{first.confidence.value.capitalize()}: {names}. {_capital(proof)}; as it is, {outcome}."
    word = "Proven" if proven else first.confidence.value.capitalize()
    return f"{word}: {names}. {first.check.title} {_capital(outcome)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def told(run: OverfitBatch) -> str:
    """What the loss did, with its numbers."""
    if run.crash is not None:
        return _crashed(run.crash)
    if not run.losses:
        return "no step was made"
    start, end, steps = number(run.first), number(run.final), len(run.losses)
    span = f"from {start} to {end} in {steps} steps"
    bad = next((i for i, v in enumerate(run.losses) if not math.isfinite(v)), None)
    if bad is not None:
        return f"the loss is no number from step {bad} on" + (f", after {start} at first" if bad else "")
    if run.shape is Shape.EXPLODES:
        return f"the loss explodes, {span}"
    if run.floor.mirrored:
        return f"the loss runs away below every bound, {span}"
    low, high = number(min(run.losses[-50:])), number(max(run.losses[-50:]))
    words = {
        Shape.FELL: f"the loss falls {span}",
        Shape.FALLING: f"the loss is still falling, {span}",
        Shape.UP: f"the loss goes up, {span}",
        Shape.OSCILLATES: f"the loss swings between {low} and {high} after {steps} steps",
        Shape.UNDECIDED: f"it stands at {end} after {steps} of {run.asked_steps} steps",
        Shape.PLATEAUS: f"it stops at {end} after {steps} steps",
    }
    return words[run.shape]


def _crashed(crash: Crash) -> str:
    """The crash in one line; its traceback stands further down."""
    if crash.part == "optimizer" and "empty parameter list" in crash.message:
        return "there is nothing to train: the model registers no parameters"
    place = f" at {crash.line}" if crash.line else ""
    message = next(iter(crash.message.strip().splitlines()), "")
    return f"it crashed in the {crash.part}{place} ({crash.kind}: {message})"


def blocks(run: OverfitBatch, findings: tuple[Finding, ...]) -> tuple[Block, ...]:
    """The plot, the facts of the run, and the traceback where the program crashed."""
    found: list[Block] = []
    if run.losses:
        cured = _cured(findings)
        level = ("attainable floor", run.floor.value) if run.floor.value is not None and math.isfinite(run.floor.value) else None
        found.append(Figure(sentence(run, findings), {"as it is": run.losses, **dict(list(cured.items())[:3])}, level))
    found.append(Table("The run", ("what", "seen"), facts(run)))
    if run.crash is not None:
        found.append(Details("The exception, unchanged", (Code(run.crash.traceback),)))
    return tuple(found)


def _cured(findings: tuple[Finding, ...]) -> dict[str, tuple[float, ...]]:
    """The curves of the cured copies by what was done to them; cures that were applied together have one."""
    done: dict[int, list[str]] = {}
    for finding in findings:
        if finding.cured is not None:
            done.setdefault(id(finding.cured), []).append(finding.fix.done or finding.name)
    curves = {id(f.cured): f.cured.losses for f in findings if f.cured is not None}
    return {f"with {' and '.join(words)}": curves[run] for run, words in done.items()}


def facts(run: OverfitBatch) -> list[tuple[str, str]]:
    """What was done and seen, row by row."""
    floor = run.floor
    rows = [("one frozen batch", f"{run.samples} samples, {len(run.losses)} steps"), ("shape of the curve", run.shape.value)]
    if floor.value is not None:
        rows.append(
            (
                "attainable floor of this loss",
                number(round(floor.value, 4)) if math.isfinite(floor.value) else "none: it can fall without end",
            )
        )
    if floor.chance is not None and math.isfinite(floor.chance):
        rows.append(("loss of the best constant output", number(round(floor.chance, 4))))
    if run.updates:
        rows.append(("change of the weights in a step", f"{run.relative_update:.1e} of their size (median)"))
    if run.default_optimizer:
        rows.append(("optimizer", "none given: the guide's Adam at 3e-4 was used"))
    if run.otherwise:
        rows.append(("otherwise than in your program", run.otherwise))
    if run.in_evaluation:
        rows.append(("mode", "evaluation, as found"))
    return rows
