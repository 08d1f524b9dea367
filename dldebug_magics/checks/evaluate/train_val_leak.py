from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.utils.data import ConcatDataset, Subset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.repeated import Repeated
from ...observations.bias_variance.speaking import easier, facts
from ..small_splits import answers, evaluated, model

_SHARE, _LEAST = 0.02, 5


@check(severity=Severity.ERROR)
def train_val_leak(seen: BiasVariance) -> Iterator[Evidence]:
    """Samples that the model is judged by stand in its training set, too.

    What was learnt by heart looks like skill: variance looks smaller than it is, and the terms behind it larger.

    Shows as: held-out data as good as train, or better.
    Proven by: the same entries of one dataset in both splits, or equal samples.
    Not this when: inputs repeat of themselves, as rows of few categories do: then they repeat within the training set, too.
    Fails: copies that were changed a little are not found; held-out data that are better beyond chance are a hint, no more.
    See: FSDL, "dataset construction"; Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis".
    """
    for pair in seen.repeated:
        if pair.here == "train" and pair.count >= _LEAST and pair.count > max(_SHARE * pair.samples, 5 * pair.own):
            yield _shared(pair)
    term = easier(seen)
    if term is not None and not seen.redrawn and not any(found.stays for found in seen.augmented):
        fix = Fix("Look whether the held-out samples are easier, or were trained on; %data_audit compares the samples.")
        yield Evidence(Confidence.HINT, facts(seen, term), "train", fix, always=True, severity=Severity.NOTE)


def _shared(pair: Repeated) -> Evidence:
    how = "the same entries of one dataset" if pair.by_number else "equal number for number"
    return Evidence(
        Confidence.PROVEN,
        facts=(Fact(f"samples of {pair.there} that stand in train", f"{pair.count} of {pair.samples}, {how}", "0"),),
        where=pair.there,
        fix=Fix("Split first, by what belongs together; copy, augment and cut windows afterwards. Then train again."),
        always=True,
        refuted_by="Different inputs in both.",
    )


@train_val_leak.bad
def validation_data_are_a_part_of_train() -> Subject:
    whole = answers(400, 4)
    return Subject(model(), nn.CrossEntropyLoss(), train=whole, val=ConcatDataset([Subset(whole, range(300, 400)), answers(100, 2, 1)]))


@train_val_leak.good
def splits_apart() -> Subject:
    return evaluated(400, train=4, val=6)
