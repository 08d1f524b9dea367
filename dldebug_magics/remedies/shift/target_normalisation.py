"""Batch norm's statistics taken from the target's inputs."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures.batch_norm_statistics import norms, reestimated
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.target_split import target_of
from ..fitting import fitting


@remedy(place=3)
def target_normalisation(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Adapt to the domain: batch norm's statistics from the target's inputs.

    A batch norm subtracts a mean and divides by a deviation that it saw in training. Where the inputs are darker, of less contrast or from
    another device, those of the target put every layer back on the scale that the next one knows. Weights and labels are not touched.

    Not this when: the classes are in other proportions, because a class's mean is then taken for the domain's.
    Costs: one or two passes over unlabelled inputs of the target, a few hundred of them.
    See: FSDL, "addressing distribution shift", C; Li et al. 2016, "Revisiting batch normalization for practical domain adaptation";
    Schneider et al. 2020, "Improving robustness against common corruptions by covariate shift adaptation".
    """
    found = target_of(subject)
    if found is None or not norms(subject):
        model = subject.name("model")
        why = (
            "there is no split of the data that the model is for" if found is None else f"`{model}` has no batch norm that keeps statistics"
        )
        yield NotPiloted(why, fits=False)
        return
    model, role = subject.name("model"), subject.name(found[0])
    code = (
        f"{model}.eval()\nfor module in {model}.modules():\n    if isinstance(module, nn.modules.batchnorm._BatchNorm):\n"
        f"        module.reset_running_stats(); module.momentum = None; module.train()\n"
        f"with torch.no_grad():\n    for x, _ in {role}:\n        {model}(x)\n{model}.eval()"
    )
    change = Change(f"batch norm's statistics from {role}", code, after=reestimated, risk="hurts where the classes' shares differ")
    yield from fitting(subject, [change], why="no copy ran with other statistics")
