"""Less regularisation: what holds the model back from what it could fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...cures.regularisation import without_dropout, without_weight_decay
from ...cures.unaugmented import steps, without_augmentation
from ...cures.weight_decay import strongest
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.dropout_calls import drops
from ..dropout import dropout_lines
from ..fitting import fitting


@remedy(place=2)
def less_regularisation(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Regularise less: no dropout, no weight decay, no augmentation.

    Each of them keeps a model from fitting its training data all too well. One that does not fit them well enough is held back by them.

    Not this when: train is measured with dropout or augmentation on; that error is not bias (see `train_eval_measure_mismatch`).
    Costs: nothing, and the variance may rise: look at train-val afterwards.
    See: FSDL, "addressing under-fitting (reducing bias)", B; Goodfellow et al. 2016, "Deep Learning", chapter 7.
    """
    found = [change for change in (_dropout(subject), _decay(subject), _augmentation(subject)) if change is not None]
    if not found:
        yield NotPiloted("there is none: no dropout, no weight decay, no augmentation that is known by name", fits=False)
        return
    both = Change(
        " and ".join(change.what for change in found),
        "\n".join(change.code for change in found),
        before=_in_turn([change.before for change in found]),
        risk=found[0].risk,
    )
    yield from fitting(subject, *([change] for change in found), *([[both]] if len(found) == 2 else []), why="no copy ran without it")


def _dropout(subject: Subject) -> Change | None:
    code = dropout_lines(subject, "module.p = 0.0", "p = 0")
    return Change("no dropout", code, before=without_dropout, risk="more variance") if drops(subject) else None


def _decay(subject: Subject) -> Change | None:
    code = f'for group in {subject.name("optimizer")}.param_groups:\n    group["weight_decay"] = 0.0'
    return Change("no weight decay", code, before=without_weight_decay, risk="more variance") if strongest(subject) > 0 else None


def _augmentation(subject: Subject) -> Change | None:
    names = steps(subject)
    code = f"# {subject.name('train')}: its transform without {', '.join(names)}"
    return Change("no augmentation", code, before=without_augmentation, risk="more variance") if names else None


def _in_turn(edits: list[Callable[[Subject], Subject]]) -> Callable[[Subject], Subject]:
    def change(subject: Subject) -> Subject:
        for edit in edits:
            subject = edit(subject)
        return subject

    return change
