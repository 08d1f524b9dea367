from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.batch_shapes import inputs_changed, targets_changed
from ...cures.layers import in_turn
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.lookups import Lookup, lookup


@check(severity=Severity.ERROR)
def embedding_index_error(trace: ShapeTrace) -> Iterator[Evidence]:
    """An embedding is asked for a number that it has no vector for, or for a number that is no integer.

    A table of `num_embeddings` vectors answers to 0 ... `num_embeddings` - 1. The padding, an unknown word, a category that is counted from
    one, or a place behind the longest text lies one step outside.

    Shows as: "index out of range in self"; on a GPU, a failed assertion that names no line.
    Proven by: the numbers of this batch do not fit the table; with a table, or numbers, that fit, a copy runs.
    Not this when: nothing known.
    Fails: a number that does not occur in this batch is not seen.
    See: torch.nn.Embedding, `num_embeddings`.
    """
    found = lookup(trace.failure)
    if found is None or trace.failure is None:
        return
    place = where(found.path, trace.failure.line)
    if found.ids.dtype.startswith(("float", "double")):
        fact = Fact(f"numbers given to {found.words}", found.ids.dtype, "whole numbers")
        fix = Fix("Make them whole numbers.", "ids = ids.long()", "whole numbers")
        yield Evidence(Confidence.LIKELY, (fact,), place, fix, found.with_ids(torch.Tensor.long))
    elif found.lowest is not None and found.highest is not None and (found.lowest < 0 or found.highest >= found.rows):
        fact = Fact(
            f"numbers given to {found.words}", f"{found.lowest} ... {found.highest}", f"0 ... {found.rows - 1}, its {found.rows} rows"
        )
        yield from _outside(trace, found, found.highest, (fact,), place)


def _outside(trace: ShapeTrace, found: Lookup, highest: int, facts: tuple[Fact, ...], place: str) -> Iterator[Evidence]:
    rows, sure = max(highest + 1, found.rows), Confidence.LIKELY
    if found.lowest == 1 and highest == found.rows and found.origin.name != "arange":
        fix = Fix("Count from zero.", "ids = ids - 1", "numbers that are counted from zero")
        yield Evidence(sure, facts, place, fix, inputs_changed(lambda ids: ids if ids.is_floating_point() else ids - 1))
        sure = Confidence.HINT
    if highest >= found.rows:
        fix = Fix(f"Give the table {rows} rows.", found.written(trace.name, rows), f"a table of {rows} rows")
        yield Evidence(sure, facts, place, fix, found.grown(rows))
    if found.origin.name == "arange" and found.lowest == 0:
        cut = lambda tensor: tensor[:, : found.rows] if tensor.ndim > 1 and tensor.shape[1] == rows else tensor  # noqa: E731
        fix = Fix(f"Or cut the input to {found.rows} steps.", f"ids = ids[:, :{found.rows}]", f"an input of {found.rows} steps")
        yield Evidence(Confidence.HINT, facts, place, fix, in_turn(inputs_changed(cut), targets_changed(cut)))
        return
    fix = Fix("Or map what lies outside to a number of its own.", f"ids = ids.clamp(0, {found.rows - 1})", "numbers kept inside")
    yield Evidence(
        sure if highest < found.rows else Confidence.HINT, facts, place, fix, found.with_ids(lambda ids: ids.clamp(0, found.rows - 1))
    )


def _program(rows: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(rows, 8), nn.Flatten(), nn.Linear(40, 3))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.arange(40).reshape(8, 5), torch.randint(0, 3, (8,))))


@embedding_index_error.bad
def a_table_that_is_too_short() -> Subject:
    return _program(39)


@embedding_index_error.good
def a_table_that_is_long_enough() -> Subject:
    return _program(40)
