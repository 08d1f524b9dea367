from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.reread import reread
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.set_up import SetUp
from ...observations.cards.stored_as import StoredAsCard, is_absurd, swapped
from ..small_data import classes

_OTHER_ORDER = "the other byte order"


@check(severity=Severity.ERROR)
def disk_dtype_mismatch(stored: StoredAsCard, setup: SetUp) -> Iterator[Evidence]:
    """The inputs were stored as another kind of number than they are read.

    A file of raw numbers does not say what they are. float64 read as float32 gives two numbers for each, one of them noise with any
    exponent; big-endian numbers, as instruments write them, give noise throughout.

    Shows as: inputs of 1e30 beside 1e-30, a loss of nan or inf; nothing raises.
    Proven by: much of the input is absurd as it is read, and all of it is sane if the same bytes are read in another way.
    Not this when: a few values are huge or next to nothing: they do not become sane all at once under another reading.
    Fails: where the numbers were scaled or clipped after they were read, and for numbers of 8 or 16 bits.
    See: numpy.fromfile and numpy.frombuffer, `dtype`; FSDL, "get your model to run", data stored on disk with another type.
    """
    if stored.reading:
        other = stored.reading == _OTHER_ORDER  # of float32 or float64
        kind = f"'>f{int(stored.dtype.removeprefix('float')) // 8}'" if other else f"numpy.{stored.reading}"
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact(f"share of absurd numbers in the {stored.dtype} input", f"{stored.absurd:.0%}, up to {stored.largest:.2g}", "0%"),
                Fact(f"the same bytes read as {stored.reading}", f"{stored.sane[0]:.4g} to {stored.sane[1]:.4g}", "what was stored"),
            ),
            where=f"`{setup.names['train']}`",
            fix=Fix(
                f"Read them as {stored.reading}, then cast.",
                f"x = torch.from_numpy(numpy.fromfile(path, dtype={kind}).astype('float32'))",
                f"the inputs read as {stored.reading}",
            ),
            cure=reread(is_absurd, swapped) if other else None,
            always=True,
        )


def _program(other_order: bool) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    points = swapped(points) if other_order else points
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels))


@disk_dtype_mismatch.bad
def bytes_in_the_other_order() -> Subject:
    return _program(True)


@disk_dtype_mismatch.good
def bytes_in_order() -> Subject:
    return _program(False)
