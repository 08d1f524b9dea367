"""Training samples weighed by how much they look like the target's."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures.importance_weights import MOST, reweighted
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.samples import numbered
from ...engine.subject import Subject
from ...instruments.modality import UNKNOWN, modality
from ...instruments.target_split import target_of
from ..fitting import fitting


@remedy(place=5)
def reweighted_training(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Adapt to the domain: train more often on samples that look like the target's.

    A classifier learns to tell the target's inputs from train's; its odds say how much more common such a sample is there, and training
    draws by them. It helps where the target is a part of what train covers, in other proportions.

    Not this when: the target looks like nothing in train: then a few samples carry all the weight, and no weighing helps.
    Costs: a logistic regression, and fewer samples that count.
    See: FSDL, "addressing distribution shift", C; Sugiyama et al. 2007, "Covariate shift adaptation by importance weighted cross
    validation"; Byrd & Lipton 2019, "What is the effect of importance weighting in deep learning?" (little, once train is fitted).
    """
    found, data = target_of(subject), numbered(subject.train)
    reasons = {
        "there is no split of the data that the model is for": found is None,
        f"`{subject.name('train')}` can't be read by number, so that its samples can't be drawn by weight": data is None,
        f"it has more than {MOST} samples: a weight for each is more than a pilot's time": data is not None and len(data.dataset) > MOST,
        "it can't be told what kind of inputs these are": modality(subject) == UNKNOWN,
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    if why is not None:
        yield NotPiloted(why, fits=False)
        return
    role = subject.name(found[0]) if found is not None else ""
    code = (
        f"weights = p / (1 - p)  # p: the probability that a sample of train is one of {role}, by a classifier that did not see it\n"
        f"sampler = torch.utils.data.WeightedRandomSampler(weights, len(weights))  # for {subject.name('train')}"
    )
    change = Change(f"training on samples like those of {role}", code, before=reweighted, risk="fewer samples count, so variance may rise")
    yield from fitting(subject, [change], why="no copy ran on weighed samples")
