"""The audit in words: its verdict in one sentence, a table of what is in each split, and what the probes found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...document import Block, Table
from ...engine.evidence import Confidence, Finding

if TYPE_CHECKING:
    from . import DataAudit
    from .facts import Scale, Split
    from .probe import Strength


def told(audit: DataAudit) -> str:
    """What was read."""
    if not audit.splits:
        return f"{audit.so_far} samples were read before the time was spent"
    return "read were " + ", ".join(f"{_amount(split)} of {split.role}" for split in audit.splits)


def _amount(split: Split) -> str:
    more = f" (of {split.total})" if split.total is not None and split.total > split.samples else ""
    return f"{split.samples} samples{more}"


def sentence(audit: DataAudit, findings: tuple[Finding, ...]) -> str:
    """The first line of the report."""
    outcome = told(audit)
    if findings:
        first = findings[0]
        word = "Proven" if first.confidence is Confidence.PROVEN else first.confidence.value.capitalize()
        return f"{word}: {first.name}. {first.check.title} {outcome[:1].upper()}{outcome[1:]}."
    if not audit.decided:
        return f"Not decided: {outcome}. Ask for fewer with --samples, or give it more time with --budget."
    return f"Nothing wrong was found in the data: {outcome}."


def blocks(audit: DataAudit) -> tuple[Block, ...]:
    """The tables."""
    if not audit.splits:
        return ()
    columns = ("what", *(split.role for split in audit.splits))
    rows = [[row[0] for row in rows_of(audit.splits[0])]]
    rows += [[cell for _, cell in rows_of(split)] for split in audit.splits]
    found: list[Block] = [Table("The data", columns, list(zip(*rows, strict=True)))]
    probes = probe_rows(audit)
    if probes:
        found.append(Table("What simple probes find", ("probe", "seen", "by chance"), probes))
    if audit.unread:
        found.append(Table("Not read", ("what",), [(f"{role}: an iterator, or nothing that can be read twice",) for role in audit.unread]))
    return tuple(found)


def rows_of(split: Split) -> list[tuple[str, str]]:
    """The facts of a split, a row each: the same rows for every split."""
    broken = sum(scale.not_finite for scale in (*split.inputs, *split.targets))
    batches = f"{split.batches} of {split.batch_size or 'different'}" if split.batches else "one or a stream"
    return [
        ("samples read", _amount(split)),
        ("batches, samples in each", batches),
        ("inputs", "; ".join(scale_in_words(scale) for scale in split.inputs) or "none"),
        ("targets", targets_in_words(split)),
        ("values that are not finite", str(broken)),
        ("samples equal to an earlier one", str(split.repeated)),
    ]


def scale_in_words(scale: Scale) -> str:
    """'float32 [3, 32, 32], mean 0.47, deviation 0.25, 0 to 1'."""
    shape = list(scale.shape) if scale.shape else "[]"
    return f"{scale.dtype} {shape}, mean {scale.mean:.3g}, deviation {scale.std:.3g}, {scale.minimum:.3g} to {scale.maximum:.3g}"


def targets_in_words(split: Split) -> str:
    """'classes: 10, from 95 to 105 samples each', or the targets' scale."""
    if split.counts:
        most, least = split.counts[0][1], split.counts[-1][1]
        named = ", ".join(f"{label}: {count}" for label, count in split.counts[:5])
        return f"{len(split.counts)} classes of {least} to {most} samples ({named}{', ...' if len(split.counts) > 5 else ''})"
    return "; ".join(scale_in_words(scale) for scale in split.targets[:1]) or "none"


def probe_rows(audit: DataAudit) -> list[tuple[str, str, str]]:
    """What the probes found, a row each."""
    seen = audit.signal
    if seen is None:
        return []
    asked = {
        "labels from inputs, in train": seen.train,
        "labels from inputs, in val": seen.val,
        "fitted on train, asked about val": seen.train_on_val,
        "fitted on val, asked about train": seen.val_on_train,
    }
    return [(name, strength_in_words(found), chance_in_words(found)) for name, found in asked.items() if found is not None]


def strength_in_words(found: Strength) -> str:
    """'correlation 0.91 (p < 0.02), 97 % right'."""
    p = f"p < {found.p + 0.001:.2f}" if found.p < 0.02 else f"p = {found.p:.2f}"
    right = "" if math.isnan(found.accuracy) else f", {found.accuracy:.0%} right"
    return f"correlation {found.r:.2f} ({p}){right}"


def chance_in_words(found: Strength) -> str:
    """What the probe would reach without any signal."""
    return "correlation 0" if math.isnan(found.chance) else f"correlation 0, {found.chance:.0%} right"
