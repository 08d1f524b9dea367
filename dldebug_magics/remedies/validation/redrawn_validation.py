"""Validation drawn anew: the guide's answer to a validation set that was looked at too often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ...engine.call import split
from ...engine.nested import tensors
from ...engine.remedy import NotPiloted, remedy
from ...engine.samples import numbered
from ...engine.subject import Subject

_LEVEL = 1.96  # deviations, for 95 %


@remedy(place=1)
def redrawn_validation(subject: Subject) -> Iterator[NotPiloted]:
    """Draw validation anew, and make it large enough.

    If validation looks much better than test, choices were made by its chance. Pool what comes from the target distribution and cut it
    anew, stratified and with a fixed seed. What was validation has been used for choosing: new data are better still.

    An error of p on n samples is known to within 1.96 sqrt(p (1 - p) / n), so that one point takes n = p (1 - p) (1.96 / 0.01)^2.

    Not this when: test comes from elsewhere than validation; then it is a shift.
    Costs: test is seen once more; hold back a part of it that is not.
    See: FSDL, "re-balancing datasets"; Brown et al. 2001, "Interval estimation for a binomial proportion".
    """
    sizes = ", ".join(f"{samples_for(error, 0.01):,} at an error of {100 * error:g} %" for error in (0.05, 0.1, 0.2))
    yield NotPiloted(f"it changes what is measured, not the model. For an interval of one point: {sizes} samples.{_code(subject)}")


def samples_for(error: float, half_width: float) -> int:
    """How many samples an interval of +- `half_width` around an error takes: p (1 - p) (1.96 / half_width)^2.

    >>> samples_for(0.1, 0.01)
    3457
    """
    return round(error * (1 - error) * (_LEVEL / half_width) ** 2)


def _code(subject: Subject) -> str:
    """Lines that pool validation and test and cut them in two, with the user's names."""
    role = "test_val" if subject.test_val is not None else "val"
    if getattr(subject, role) is None or subject.test is None:
        return ""
    val, test, data = subject.name(role), subject.name("test"), numbered(getattr(subject, role))
    size = data.batch_size if data is not None else 256
    labelled = _has_classes(subject)
    lines = [
        "from sklearn.model_selection import train_test_split",
        "from torch.utils.data import ConcatDataset, DataLoader, Subset",
        f"pool = ConcatDataset([split.dataset if isinstance(split, DataLoader) else split for split in ({val}, {test})])",
        *(["classes = [int(sample[1]) for sample in pool]"] if labelled else []),
        f"cut = train_test_split(range(len(pool)), test_size=0.5, random_state=0{', stratify=classes' if labelled else ''})",
        f"{val}, {test} = (DataLoader(Subset(pool, numbers), batch_size={size}) for numbers in cut)",
    ]
    return "\n" + "\n".join(lines)


def _has_classes(subject: Subject) -> bool:
    """Whether samples are pairs whose second is one class."""
    batch: Any = subject.batch
    target = next(tensors(split(subject, batch)[2]), None) if subject.step is None else None
    pair = isinstance(batch, (tuple, list)) and len(batch) == 2 and isinstance(target, Tensor)
    return pair and target is not None and target.ndim == 1 and not target.is_floating_point()
