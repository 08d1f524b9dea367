"""Images that come again in a later epoch flipped or turned, with the map of labels that they had before: a mask that stayed behind."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .contents import row_words

_ROWS = 32  # of a batch that are looked at
_KNOWN = 5000  # samples of a loader
_ENOUGH = 200
_WAYS = ("flipped left to right", "flipped upside down", "turned by 180 degrees", "turned by 90 degrees", "turned by 270 degrees")


class Turned(NamedTuple):
    """Maps at this `place` among the tensors that a loader gives, each as high and wide as its image.

    `again`: how many maps came again in a later epoch with another image than before; `by`: with how many of these the image was the one
    of before, flipped or turned in which way, where the same would have changed the map.
    """

    loader: int
    place: int
    again: int
    by: tuple[tuple[str, int], ...]


@dataclasses.dataclass
class _Maps:
    first: dict[int, tuple[int, int, dict[int, str]]] = dataclasses.field(default_factory=dict)  # by the map: epoch, image, image turned
    again: int = 0
    by: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, epoch: int, images: list[list[int]], maps: list[list[int]]) -> None:
        for (image, *turned), (word, *others) in zip(zip(*images, strict=True), zip(*maps, strict=True), strict=True):
            known = self.first.get(word)
            if known is None and len(self.first) < _KNOWN:
                changing = (way for way in zip(turned, _WAYS[: len(turned)], others, strict=True) if way[2] != word)
                self.first[word] = epoch, image, {given: name for given, name, _ in changing}
            elif known is not None and known[0] < epoch and image != known[1]:
                self.again += 1
                self.by.update([known[2][image]] if image in known[2] else [])


class Turning:
    """Shown the batches of every loader, as far as they are looked at closely."""

    def __init__(self) -> None:
        self.maps: dict[tuple[int, int], _Maps] = {}

    def drawn(self, loader: int, epoch: int, given: list[Any]) -> None:
        """A loader gave these tensors; only those with images and maps of their size are looked at."""
        image = next((t for t in given if t.ndim == 4 and t.shape[1] in (1, 3) and min(t.shape[2:]) > 3), None)
        if image is None:
            return
        seen: list[list[int]] = []
        for place, part in enumerate(given):
            if part is not image and part.ndim in (3, 4) and part.shape[-2:] == image.shape[-2:]:
                maps = self.maps.setdefault((loader, place), _Maps())
                if maps.again < _ENOUGH:
                    seen = seen or _words(image)
                    maps.add(epoch, seen, _words(part))

    def found(self) -> Iterator[Turned]:
        """What was seen of each place."""
        for (loader, place), maps in self.maps.items():
            yield Turned(loader, place, maps.again, tuple(maps.by.most_common()))


def _words(images: Tensor) -> list[list[int]]:
    """A word for each image as it is, and for each way in which it can be turned."""
    few = images.detach()[:_ROWS]
    ways = [few, few.flip(-1), few.flip(-2), few.flip(-1, -2)]
    ways += [torch.rot90(few, turns, (-2, -1)) for turns in (1, 3)] if few.shape[-1] == few.shape[-2] else []
    return [row_words(way) for way in ways]
