"""What a model is called with while the user's own code runs: how often, and copies of the first arguments of each kind."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from ..engine.arguments import Arguments
from ..engine.nested import copied
from .forms import Form, forms


@dataclasses.dataclass(frozen=True)
class Kind:
    """Calls that are alike: the forms of their arguments, copies of the first one's, and how many there were."""

    inputs: tuple[Form, ...]
    given: Arguments
    count: int = 1


class CalledWith:
    """`with CalledWith(model) as calls: ...`; then `calls.count` and `calls.kinds`, the `most` first of them.

    One hook on the model itself, which hands everything on as it is and is taken off at the end.
    """

    def __init__(self, model: nn.Module, most: int = 3):
        self.model, self.most, self.count = model, most, 0
        self.kinds: dict[Any, Kind] = {}
        self.handle: Any = None

    def __enter__(self) -> CalledWith:
        self.handle = self.model.register_forward_pre_hook(self._see, with_kwargs=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.handle.remove()

    def _see(self, module: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.count += 1
        found = forms((arguments, keywords))
        key = found, len(arguments), *sorted(keywords)
        known = self.kinds.get(key)
        if known is not None:
            self.kinds[key] = dataclasses.replace(known, count=known.count + 1)
        elif len(self.kinds) < self.most:
            self.kinds[key] = Kind(found, copied(Arguments(arguments, keywords)))
