"""Samples that are read from their dataset once: all runs of all pilots read them again."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Subset

from ...engine.nested import tensors
from ...engine.samples import items

_ROOM = 2**29  # bytes of samples that are kept


class Remembered(Subset):
    """Some samples of a dataset, each read from it once, as far as there is room. Shares what it knows with the other parts."""

    def __init__(self, dataset: Any, numbers: list[int], known: dict[int, Any] | None):
        super().__init__(dataset, numbers)
        self.known, self.room = known, _ROOM

    def __getitem__(self, place: Any) -> Any:
        return self.__getitems__([place])[0]

    def __getitems__(self, places: list[int]) -> list[Any]:
        wanted = [self.indices[place] for place in places]
        if self.known is None:
            return items(self.dataset, wanted)
        missing = [number for number in wanted if number not in self.known]
        read = dict(zip(missing, items(self.dataset, missing), strict=True)) if missing else {}
        self.room -= sum(t.numel() * t.element_size() for sample in read.values() for t in tensors(sample))
        if read and self.room > 0:
            self.known.update(read)
        return [read[number] if number in read else self.known[number] for number in wanted]
