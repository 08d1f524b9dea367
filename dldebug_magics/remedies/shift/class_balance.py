"""Outputs corrected for classes that are in other proportions in the target."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures.priors import black_box, corrected, known, likeliest, shares
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.target_split import target_of
from ..fitting import fitting


@remedy(place=6)
def class_balance(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Adapt to the domain: correct the outputs for how common each class is there.

    A classifier has learned how common its classes are in train. Its confusion matrix on data like train's, and how often it calls each
    class in the target, tell how common they are there; each class's probability is weighed by the ratio. A second try estimates the same
    by maximum likelihood. No label of the target is read.

    Not this when: the classes themselves look different there, because both ways assume that only their shares differ.
    Costs: two passes in evaluation.
    See: FSDL, "addressing distribution shift", C; Lipton et al. 2018, "Detecting and correcting for label shift with black box predictors";
    Saerens et al. 2002, "Adjusting the outputs of a classifier to new a priori probabilities".
    """
    found = target_of(subject)
    kind = "" if found is None or subject.step is not None else shares(subject)
    if found is None or not kind:
        why = (
            "there is no split of the data that the model is for" if found is None else "the outputs are not one class of several a sample"
        )
        yield NotPiloted(why, fits=False)
        return
    role, source, model = subject.name(found[0]), subject.name(known(subject)[0]), subject.name("model")
    code = (
        f"logits = {model}(x) + torch.log(target_share / train_share)  # by class; shares in {role} estimated with the errors on {source}"
    )
    risk = "wrong where more than the shares of the classes differs"
    called = Change(f"outputs weighed by the shares of classes in {role} (confusion matrix)", code, after=corrected(black_box), risk=risk)
    likely = Change(f"outputs weighed by the shares of classes in {role} (likelihood)", code, after=corrected(likeliest), risk=risk)
    yield from fitting(subject, [called], [likely], why="no copy gave such outputs")
