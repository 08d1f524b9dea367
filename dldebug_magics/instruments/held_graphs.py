"""Graphs that tensors of the notebook still hold: how long they are, whether a backward pass has freed them, and how many passes they join.

What a node saved can be read as long as no backward pass has freed it. Where it is a weight that an optimizer has changed since, torch
says which version it was: passes of different versions are passes of different steps.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

_MOST = 20_000  # nodes that are walked, in all
_LOOKED_AT = 500  # nodes of a pass whose saved tensors are read
_EXPECTED = re.compile(r"expected version (\d+)")


@dataclasses.dataclass(frozen=True)
class Held:
    """What some tensors hold: the passes that their graphs are, nodes and bytes in all.

    apart: whether the passes share weights and nothing else. freed: whether a backward pass has freed all of them. steps: in how many
    different states of the weights the passes were made.
    """

    passes: int
    nodes: int
    size: int
    apart: bool
    freed: bool
    steps: int


def held(roots: Sequence[Any]) -> Held:
    """What the graphs behind these nodes hold, each taken to be a pass of its own."""
    walked = [_walk(root) for root in roots]
    inner = [set(nodes) - leaves for nodes, leaves in walked]
    every = set().union(*inner)
    leaves = set.intersection(*(leaves for _, leaves in walked)) if walked else set()
    saved = [_saved([nodes[key] for key in nodes]) for nodes, _ in walked]
    storages = {key: size for sizes, _ in saved if sizes is not None for key, size in sizes.items()}
    return Held(
        passes=len(roots),
        nodes=len(every),
        size=sum(storages.values()),
        apart=bool(leaves) and sum(map(len, inner)) == len(every),
        freed=all(sizes is None for sizes, _ in saved),
        steps=len({version for _, version in saved}),
    )


def addends(root: Any) -> list[Any]:
    """The nodes of a sum that grew by `total = total + loss`, the last first.

    >>> import torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> [type(node).__name__ for node in addends((0 + w * 2 + w.exp()).grad_fn)]
    ['ExpBackward0', 'MulBackward0']
    """
    found = []
    while type(root).__name__ == "AddBackward0":
        before, *more = [node for node, _ in root.next_functions if node is not None]
        if not more:
            root = before
            continue
        found.append(more[0])
        root = before
    return [*found, root]


def _walk(root: Any) -> tuple[dict[int, Any], set[int]]:
    """The nodes behind one, itself included, and the keys of the leaves among them."""
    seen, leaves, pending = dict[int, Any](), set[int](), [root]
    while pending and len(seen) < _MOST:
        node = pending.pop()
        key = hash(node)
        if key in seen:
            continue
        seen[key] = node
        if hasattr(node, "variable"):
            leaves.add(key)
        pending.extend(following for following, _ in node.next_functions if following is not None)
    return seen, leaves


def _saved(nodes: Sequence[Any]) -> tuple[dict[int, int] | None, str]:
    """What these nodes still hold, by storage, None where that was freed; and the versions of the weights that have changed since."""
    sizes, freed, versions = dict[int, int](), False, set[str]()
    for value in _values(nodes[:_LOOKED_AT]):
        if isinstance(value, Tensor):
            if not (value.is_leaf and value.requires_grad):
                storage = value.untyped_storage()
                sizes[storage._cdata] = storage.nbytes()
        elif (found := _EXPECTED.search(value)) is not None:
            versions.add(found[1])
        else:
            freed = True
    return (None if freed else sizes), ",".join(sorted(versions))


def _values(nodes: Sequence[Any]) -> Iterator[Tensor | str]:
    """Every tensor that a node saved; torch's words where it is not to be had."""
    for node in nodes:
        for name in dir(node):
            if not name.startswith("_saved_"):
                continue
            try:
                value = getattr(node, name)
            except RuntimeError as error:
                yield str(error)
                continue
            yield from (t for t in (value if isinstance(value, (tuple, list)) else (value,)) if isinstance(t, Tensor))
