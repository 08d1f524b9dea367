"""The numbers that a dataset gives to its classes, as far as it says so: two listings of a directory may number them differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch.utils.data import ConcatDataset, Subset, default_collate

_MAPPINGS = ("class_to_idx", "class_to_index", "class_to_id", "label_to_idx", "label_to_index", "label_to_id", "label2idx", "label2id")
_LISTS = ("classes", "class_names")
_MOST = 5000


class Numbering(NamedTuple):
    """Names of classes with their numbers. `told`: a mapping says so, and nothing stands between the dataset and the loop; else they are
    the places in a list of names."""

    numbers: tuple[tuple[str, int], ...] = ()
    told: bool = False

    def other_than(self, given: Numbering) -> list[tuple[str, int, int]]:
        """The names that both have, with the number here and there, where these differ; none where they share too few to be of one task.

        >>> Numbering((("cat", 0), ("dog", 1))).other_than(Numbering((("ant", 0), ("cat", 1), ("dog", 2))))
        [('cat', 0, 1), ('dog', 1, 2)]
        """
        here, there = dict(self.numbers), dict(given.numbers)
        shared = [name for name in here if name in there]
        enough = len(shared) >= max(2, 0.5 * min(len(here), len(there)))
        return [(name, here[name], there[name]) for name in shared if here[name] != there[name]] if enough else []


def numbering_of(loader: Any) -> Numbering:
    """How the dataset of a loader numbers its classes; empty where it does not say, or changes its labels on their way."""
    dataset = loader.dataset
    while type(dataset) in (Subset, ConcatDataset):
        dataset = dataset.dataset if type(dataset) is Subset else dataset.datasets[0]
    held = getattr(dataset, "__dict__", {})
    if held.get("target_transform") is not None:
        return Numbering()
    mapping = next((held[name] for name in _MAPPINGS if isinstance(held.get(name), Mapping)), None)
    if mapping is None:
        names = next((held[name] for name in _LISTS if isinstance(held.get(name), list | tuple)), ())
        mapping = {name: number for number, name in enumerate(names)} if all(isinstance(name, str) for name in names) else {}
    plain = len(mapping) <= _MOST and all(isinstance(k, str) and type(v) is int for k, v in mapping.items())
    told = any(name in held for name in _MAPPINGS) and loader.collate_fn is default_collate
    return Numbering(tuple(mapping.items()), told) if plain else Numbering()
