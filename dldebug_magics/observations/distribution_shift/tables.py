"""The tables behind the verdict: what was compared, whether it differs, where, in which classes and slices, and what explains the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...document import Block, Table, Text
from ..bias_variance.reading import NAMES
from .kinds import overall
from .next_steps import next_steps
from .remarks import remarks
from .wording import chance, number, sides, span

if TYPE_CHECKING:
    from . import DistributionShift
    from .matching import Part
    from .parts import Region
    from .sides import Side

_CLASSES = 12  # rows of classes
_WORDS = {"inputs": "the inputs", "features": "what enters the last layer", "outputs": "the outputs"}


def blocks(seen: DistributionShift) -> tuple[Block, ...]:
    """The tables, the surest first."""
    if seen.source is None or seen.target is None:
        return ()
    found: list[Block] = [_splits(seen)]
    if seen.p is not None or seen.apart is not None:
        found.append(_tests(seen))
    if seen.features:
        found.append(_features(seen))
    found += [_classes(seen)] if seen.labels is not None else []
    found += [_slices(seen)] if seen.slices else []
    found += [_explained(seen)] if seen.by_inputs is not None or seen.by_classes is not None or seen.moved_back is not None else []
    if seen.others:
        rows = [(NAMES[role], apart.told, chance(apart.p)) for role, apart in seen.others]
        caption = f"The other splits against {sides(seen)[0]}, by their inputs alone"
        found.append(Table(caption, ("split", "a classifier tells them apart", "by chance"), rows))
    found += [Text(line) for line in remarks(seen)]
    steps = next_steps(seen)
    return (*found, Table("What to do next, in the guide's order", ("what", "how"), steps)) if steps else tuple(found)


def _splits(seen: DistributionShift) -> Table:
    assert seen.source is not None and seen.target is not None, "asked before"
    rows = [_side(seen, "source", seen.source), _side(seen, "target", seen.target)]
    if seen.gap is not None:
        rows.append(("target - source", "", number(seen, seen.gap.value), span(seen, seen.gap.interval)))
    return Table("What was compared, in evaluation mode", ("split", "samples", seen.metric or "error", "95 % interval"), rows)


def _side(seen: DistributionShift, word: str, side: Side) -> tuple[str, str, str, str]:
    of = f" of {side.of}" if side.of is not None and side.of > side.samples else ""
    error = "not known" if side.error is None else number(seen, side.error)
    return f"{word}: {NAMES[side.role]}", f"{side.samples}{of}", error, "" if side.interval is None else span(seen, side.interval)


def _tests(seen: DistributionShift) -> Table:
    p = overall(seen)
    rows = [] if p is None else [("all tests together", "", chance(p))]
    views = "inputs, features and outputs" if seen.held_out else "inputs"
    rows += [] if seen.p is None else [(f"all tests of {views}", "", chance(seen.p))]
    if seen.apart is not None:
        rows.append((f"a classifier on {_WORDS[seen.apart.by]}", f"{seen.apart.told}; by chance 0.5", chance(seen.apart.p)))
    rows += [(name, "", chance(p)) for name, p in seen.tests]
    if seen.labels is not None:
        rows.append((f"shares of the classes, {'as counted' if seen.labels.counted else 'as estimated'}", "", chance(seen.labels.p)))
    if seen.rest is not None:
        rows.append(("all tests, with the same shares of the classes on both sides", "", chance(seen.rest)))
    return Table("Do they differ?", ("test", "seen", "by chance"), rows)


def _features(seen: DistributionShift) -> Table:
    here, there = sides(seen)
    caption = f"Where: {seen.differing} of {seen.asked} columns of the inputs differ (p < 0.05 after Holm's correction)"
    rows = [(found.name, found.source, found.target, chance(found.adjusted)) for found in seen.features]
    return Table(caption, ("column", here, there, "by chance"), rows)


def _classes(seen: DistributionShift) -> Table:
    labels = seen.labels
    assert labels is not None, "asked before"
    rows = list(zip(labels.classes, labels.source, labels.target, labels.intervals, strict=True))
    rows = sorted(sorted(rows, key=lambda row: -abs(row[2] - row[1]))[:_CLASSES])
    how = "counted from the labels" if labels.counted else "in the target estimated from what the model says there"
    more = f"; the {_CLASSES} of {len(labels.classes)} that differ most" if len(labels.classes) > _CLASSES else ""
    shown = [(str(c), _percent(a), _percent(b), f"{_percent(i.low)} to {_percent(i.high)}") for c, a, b, i in rows]
    return Table(f"Shares of the classes, {how}{more}", ("class", *sides(seen), "95 % interval"), shown)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _slices(seen: DistributionShift) -> Table:
    here, there = sides(seen)
    rows = [_region(seen, part) for part in seen.slices]
    heads = ("samples with", f"share of {here}", f"share of {there}", f"{seen.metric or 'error'} in {here}", f"in {there}")
    return Table("Slices that carry it, found on one half of the samples and confirmed on the other", heads, rows)


def _region(seen: DistributionShift, part: Region) -> tuple[str, ...]:
    return (part.rule, *map(_percent, part.shares), *("not known" if error is None else number(seen, error) for error in part.errors))


def _explained(seen: DistributionShift) -> Table:
    rows = list[tuple[str, str, str]]()
    if seen.moved_back is not None:
        back = seen.moved_back
        what = f"the target again, its inputs moved to the source's scale: {number(seen, back.before)} becomes {number(seen, back.after)}"
        rows.append((what, number(seen, back.gain), span(seen, back.interval)))
    for word, found in (("inputs", seen.by_inputs), ("classes", seen.by_classes)):
        if found is not None:
            share = f"{100 * found.share[0]:.0f} % of its samples count"
            rows.append(_row(seen, f"the mixture of {word}: the target, re-weighted to the source's ({share})", found.moved[0]))
            if seen.held_out:
                rows.append(_row(seen, f"left where the mixture of {word} is the same", found.left[0]))
    return Table("What of the gap is explained", ("by what", "error that it makes", "95 % interval"), rows)


def _row(seen: DistributionShift, words: str, part: Part) -> tuple[str, str, str]:
    return words, number(seen, part.value), span(seen, part.interval)
