"""The target's inputs brought to the scale of train."""

from __future__ import annotations

from collections.abc import Iterator

from ...cures.aligned import covariances_aligned, inputs_aligned
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.columns import columns_of
from ...instruments.modality import PICTURES, ROWS, SERIES, main_input, modality
from ...instruments.target_split import target_of
from ..fitting import fitting

_COLUMNS = 64  # more covariances than these are not known well enough from a few thousand samples
_RISK = "hurts where the moments differ because the classes' shares do; another target needs its own"


@remedy(place=4)
def aligned_inputs(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Adapt to the domain: bring the target's inputs to the scale of train.

    The model stays as it is. Each column (or a picture's channel) of the target is standardised and given the moments that it had in
    training; for rows of continuous columns a second try aligns all covariances.

    Not this when: what moved is what the target depends on: if people do earn more this year, their income must not be scaled back.
    Costs: two sets of moments, from unlabelled inputs of the target.
    See: FSDL, "addressing distribution shift", C; Sun et al. 2016, "Return of frustratingly easy domain adaptation" (CORAL).
    """
    found, kind = target_of(subject), modality(subject)
    if found is None or kind not in (PICTURES, ROWS, SERIES):
        why = "there is no split of the data that the model is for" if found is None else "of such inputs no mean and deviation can be made"
        yield NotPiloted(why, fits=False)
        return
    role, model = subject.name(found[0]), subject.name("model")
    code = f"{model}((x - target_mean) / target_std * train_std + train_mean)  # by column or channel, the target being {role}"
    alike = Change(f"inputs with the mean and deviation of {subject.name('train')}", code, after=inputs_aligned, risk=_RISK)
    turned = f"{model}((x - target_mean) @ target_cov^(-1/2) @ train_cov^(1/2) + train_mean)  # the target being {role}"
    all_of_it = Change(f"inputs with all covariances of {subject.name('train')}", turned, after=covariances_aligned, risk=_RISK)
    yield from fitting(subject, [alike], *([[all_of_it]] if kind == ROWS and _continuous(subject) else []), why="no copy took such inputs")


def _continuous(subject: Subject) -> bool:
    """Whether rows have several columns, all of them continuous and not too many."""
    columns, given = columns_of(subject, subject.train), main_input(subject, subject.batch)
    wide = columns is not None and 1 < columns.continuous.numel() <= _COLUMNS
    return wide and columns is not None and bool(columns.continuous.all()) and given is not None and given.is_floating_point()
