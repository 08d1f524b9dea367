"""Samples that change from reading to reading: found by reading some several times, and turned off on a copy where that is no guess.

Left out are the steps of a list of transforms that are known by name to change a sample at random and keep its size, which is checked. A
flag such as `train` or `augment` is not touched: nobody knows what else hangs on it. The user's dataset stays as it is.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import torch
from torch.utils.data import DataLoader

from ...engine import snapshot
from ...engine.ambient import seeded
from ...engine.digest import digest
from ...engine.nested import tensors
from ...engine.samples import numbered

RANDOM = {
    *("RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation", "RandomAffine", "RandomPerspective", "RandomErasing", "ColorJitter"),
    *("RandomGrayscale", "RandomInvert", "RandomPosterize", "RandomSolarize", "RandomAdjustSharpness", "RandomAutocontrast"),
    *("RandomEqualize", "RandAugment", "AutoAugment", "TrivialAugmentWide", "AugMix", "GaussianBlur", "GaussianNoise", "ElasticTransform"),
    *("HorizontalFlip", "VerticalFlip", "RandomBrightnessContrast", "HueSaturationValue", "GaussNoise", "CoarseDropout", "ISONoise"),
    *("RandomPhotometricDistort", "RandomChannelPermutation", "AddGaussianNoise"),
}
_READINGS = 4  # of a flip, one in eight stays unseen in one sample


@dataclasses.dataclass(frozen=True)
class Augmented:
    """A split whose samples are drawn anew at each reading; the `steps` that were left out, and whether it `stays` random without them."""

    role: str
    steps: tuple[str, ...]
    stays: bool


def unaugmented(source: Any, role: str, seed: int) -> tuple[Any, Augmented | None]:
    """The split without what changes its samples at random, as far as that is known; and what was found. Sets the random numbers."""
    data = numbered(source)
    if data is None or not len(data.dataset) or not _changes(data.dataset):
        seeded(seed)
        return source, None
    twin, steps = _without(data.dataset)
    if steps and _sizes(twin) != _sizes(data.dataset):
        twin, steps = data.dataset, ()
    found = Augmented(role, steps, stays=not steps or _changes(twin))
    seeded(seed)
    return (_over(source, twin) if steps else source), found


def _changes(dataset: Any) -> bool:
    """Whether one of two samples is another when it is read again; each reading has random numbers of its own."""
    for number in {0, len(dataset) // 2}:
        words = set()
        with snapshot.reading(dataset), torch.inference_mode(False):
            for reading in range(_READINGS):
                seeded(reading)
                words.add(_word(dataset[number]))
        if len(words) > 1:
            return True
    return False


def _word(sample: Any) -> str:
    return " ".join(digest(t) for t in tensors(sample)) or repr(sample)


def _sizes(dataset: Any) -> list[tuple[int, ...]]:
    with snapshot.reading(dataset), torch.inference_mode(False):
        return [tuple(t.shape) for t in tensors(dataset[0])]


def _without(thing: Any) -> tuple[Any, tuple[str, ...]]:
    """A shallow copy without its random steps, and their names: of a dataset, what it is a part of, its transform, a list of steps."""
    if not hasattr(thing, "__dict__"):
        return thing, ()
    changed, steps = dict[str, Any](), tuple[str, ...]()
    for name, value in vars(thing).items():
        if name in ("dataset", "transform") or (name == "transforms" and not isinstance(value, (list, tuple))):
            twin, left_out = _without(value)
            changed |= {name: twin} if left_out else {}
            steps += left_out
        elif name == "transforms":
            changed[name] = type(value)(step for step in value if type(step).__name__ not in RANDOM)
            steps += tuple(type(step).__name__ for step in value if type(step).__name__ in RANDOM)
    if not steps:
        return thing, ()
    twin = copy.copy(thing)
    vars(twin).update(changed)
    return twin, tuple(dict.fromkeys(steps))


def _over(source: Any, dataset: Any) -> Any:
    """The same loader over another dataset of the same length."""
    if not isinstance(source, DataLoader):
        return dataset
    twin = copy.copy(source)
    vars(twin).update(dataset=dataset, _iterator=None)
    return twin
