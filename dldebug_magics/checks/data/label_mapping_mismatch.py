from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import in_data
from ...observations.cards.set_up import SetUp
from ...observations.data_audit import DataAudit
from ...observations.data_audit.mapping import Renumbered
from ..small_data import groups


@check(severity=Severity.ERROR)
def label_mapping_mismatch(audit: DataAudit, setup: SetUp) -> Iterator[Evidence]:
    """Classes have other numbers in the validation set than in the training set.

    Two encoders, two listings of a directory, or labels that begin at one in one file and at zero in the other: what is called 3 here is
    called 5 there.

    Shows as: training as it should be, and validation at chance or below.
    Proven by: a probe fitted on the training set, which is right about validation once the classes are named anew, one name a class.
    Not this when: the validation set comes from elsewhere: no new naming then makes the probe right.
    Fails: needs inputs from which nearest neighbours or a ridge regression tell the classes, and 5 samples of each class to be judged.
    See: FSDL, "incorrect data": labels; H. Kuhn 1955, "The Hungarian method for the assignment problem".
    """
    if audit.renumbered is not None:
        yield _evidence(audit.renumbered, setup.names["val"])


def _evidence(found: Renumbered, val: str) -> Evidence:
    pairs = ", ".join(f"{here} is {there}" for here, there in found.moved[:8])
    shift = f"all moved by {-found.offset:+d}" if found.offset else "no common shift"
    mapping = "{" + ", ".join(f"{here}: {there}" for here, there in found.moved) + "}"
    code = (
        f"y_val = y_val {'+' if found.offset > 0 else '-'} {abs(found.offset)}"
        if found.offset
        else f"y_val = [{mapping}.get(y, y) for y in y_val]"
    )
    edits = in_data(val, 1, f"{{}} {'+' if found.offset > 0 else '-'} {abs(found.offset)}") if found.offset else ()
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("right in validation, by a probe fitted on train", f"{found.before:.0%}", f"about {found.in_train:.0%}, as within train"),
            Fact("right once validation's classes are renamed", f"{found.after:.0%} of {found.samples}", "no better than before"),
            Fact("validation's label in terms of train's", f"{pairs}{', ...' if len(found.moved) > 8 else ''} ({shift})", "each its own"),
        ),
        where="val",
        fix=Fix("Number the classes once, from the training set, and use that for every split.", code, edits=edits),
        always=True,
        refuted_by="A sample of each renamed class, looked at, that bears its label rightly.",
    )


def _program(named_in_val: Tensor) -> Subject:
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    points, labels = groups(160, seed=5)
    train, val = TensorDataset(*groups(400)), TensorDataset(points, named_in_val[labels])
    loaders = [DataLoader(data, batch_size=20, shuffle=True) for data in (train, val)]
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loaders[0], val=loaders[1])


@label_mapping_mismatch.bad
def named_otherwise() -> Subject:
    return _program(torch.tensor([2, 0, 3, 1]))


@label_mapping_mismatch.good
def named_alike() -> Subject:
    return _program(torch.tensor([0, 1, 2, 3]))


@label_mapping_mismatch.bad
def counted_from_one() -> Subject:
    return _program(torch.tensor([1, 2, 3, 4]))
