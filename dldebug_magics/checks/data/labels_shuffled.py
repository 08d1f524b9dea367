from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.data_audit import DataAudit
from ...observations.data_audit.probe import Strength
from ...observations.data_audit.wording import strength_in_words as words
from ..small_data import groups

_FIX = Fix(
    "Put inputs and labels into one order: shuffle or sort them together, as pairs.", "x, y = x[order], y[order]   # one order for both"
)


@check(severity=Severity.ERROR)
def labels_shuffled(audit: DataAudit) -> Iterator[Evidence]:
    """Inputs and labels are paired wrongly: the labels belong to other inputs.

    One of the two was shuffled or sorted without the other, or slipped by a row. A network learns such pairs by heart, and nothing else.

    Shows as: a training loss that falls as usual, one batch that is memorised, and validation at chance.
    Proven by: simple probes that tell the labels of one split from its inputs and fail on the other, whose inputs are alike; or that find
    them once the labels are moved by a row or two. Labels that stand in order while the inputs do not make it likely.
    Not this when: probes fail in both splits: the task may be hard, or the data small. That is no alarm, and is seen in the table only.
    Fails: pairs that are broken at random in all splits alike leave nothing to compare with; needs 300 samples and 100 in validation.
    See: FSDL, "dataset construction"; FSDL's own example, file names from an unsorted glob; scikit-learn, permutation tests.
    """
    seen = audit.signal
    if seen is None or seen.train is None or any(scale.far for split in audit.splits for scale in split.targets):
        return  # a target far beyond all others decides every correlation
    if seen.shifted is not None:
        moved = Fact(f"labels told from inputs, labels moved by {seen.shift}", words(seen.shifted), "no better than unmoved")
        yield _evidence(Confidence.PROVEN, "train", _told(seen.train, "train"), moved)
    elif seen.broken and seen.val is not None:
        yield _evidence(Confidence.PROVEN, seen.broken, _told(seen.train, "train"), _told(seen.val, "val"))
    elif seen.out_of_order and seen.labels_by_place is not None and seen.inputs_by_place is not None:
        place = Fact("label told from the sample's place in the dataset", words(seen.labels_by_place))
        order = Fact("place told from the inputs", words(seen.inputs_by_place), "as good as the labels from the place")
        yield _evidence(Confidence.LIKELY, "train", _told(seen.train, "train"), place, order)


def _told(found: Strength, role: str) -> Fact:
    return Fact(f"labels told from inputs, in {role}", words(found), "far better than with permuted labels")


def _evidence(sure: Confidence, where: str, *facts: Fact) -> Evidence:
    refuted = "A simple model that predicts held-out labels of this split better than chance."
    return Evidence(sure, facts=facts, where=where, fix=_FIX, always=True, refuted_by=refuted)


def _program(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Subject:
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loaders = [DataLoader(TensorDataset(*pairs), batch_size=20, shuffle=True) for pairs in (train, val)]
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loaders[0], val=loaders[1])


@labels_shuffled.bad
def one_of_two_shuffled() -> Subject:
    points, labels = groups(600)
    return _program((points[torch.randperm(600, generator=torch.Generator().manual_seed(0))], labels), groups(160, seed=5))


@labels_shuffled.good
def in_one_order() -> Subject:
    return _program(groups(600), groups(160, seed=5))


@labels_shuffled.good
def parity_that_no_probe_can_tell() -> Subject:
    bits = torch.randint(0, 2, (760, 16), generator=torch.Generator().manual_seed(0)).float()
    labels = bits.sum(1).long() % 2
    return _program((bits[:600], labels[:600]), (bits[600:], labels[600:]))
