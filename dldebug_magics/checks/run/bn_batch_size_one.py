from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...cures.batches import in_evaluation, twice, without_the_rest
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.last_batch import ONE_VALUE, LastBatchCard
from ...observations.shape_trace import ShapeTrace
from ..small_data import classes


@check(severity=Severity.ERROR)
def bn_batch_size_one(trace: ShapeTrace, last: LastBatchCard) -> Iterator[Evidence]:
    """Batch norm is given one sample: the last batch of the loader, which is what is left over.

    In training mode batch norm divides by the deviation of the batch, and one value has none. It goes well until the end of the epoch,
    where the number of samples leaves 1 over the batch size.

    Shows as: "Expected more than 1 value per channel when training, got input size [1, 16]", at the last batch of an epoch.
    Proven by: the loader's numbers; and a copy that was given one sample, and raised that.
    Not this when: drop_last=True; the maps are larger than one pixel, so that there are more values; or the model is in evaluation mode.
    Fails: a sampler of your own that decides on its batches itself.
    See: torch.nn.BatchNorm1d; torch.utils.data.DataLoader, `drop_last`.
    """
    if trace.failure is None and last.refused:
        yield _left_over(last)
    elif trace.failure is not None and trace.failure.says(ONE_VALUE):
        fact = Fact("what batch norm is given in training mode", trace.failure.message.rpartition("size ")[2], "2 values a channel or more")
        place, more = where(trace.failure.module, trace.failure.line), Fix("Give the model two samples or more.", "", "each sample twice")
        yield Evidence(Confidence.LIKELY, (fact,), place, more, twice)
        still = Fix("Or use it in evaluation mode.", f"{trace.name}.eval()", "the model in evaluation mode")
        yield Evidence(Confidence.HINT, (fact,), place, still, in_evaluation)


def _left_over(last: LastBatchCard) -> Evidence:
    count = f"1 = {last.samples} - {last.samples // last.batch_size} x {last.batch_size}"
    facts = (
        Fact("samples in the last batch", count, "2 or more"),
        Fact("the model in training mode, given 1 sample", last.refused, "an output"),
    )
    fix = Fix("Leave the rest out.", f"{last.name} = DataLoader(..., drop_last=True)", "drop_last=True")
    return Evidence(Confidence.PROVEN, facts, f"`{last.name}`", fix, without_the_rest, always=True)


def _program(rest: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    points, labels = classes()
    loader = DataLoader(TensorDataset(points[: 24 + rest], labels[: 24 + rest]), batch_size=8)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@bn_batch_size_one.bad
def leaves_one_over() -> Subject:
    return _program(1)


@bn_batch_size_one.good
def leaves_two_over() -> Subject:
    return _program(2)
