"""Tensors inside tuples, lists, dicts, named tuples, dataclasses and plain records: the shapes in which batches and outputs come."""

from __future__ import annotations

import copy
import dataclasses
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


def tensors(structure: Any) -> Iterator[Tensor]:
    """Every tensor in the structure, depth first.

    >>> [t.shape[0] for t in tensors({"x": torch.zeros(2), "more": [torch.zeros(3), "text"]})]
    [2, 3]
    """
    for part in parts(structure):
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, PackedSequence):
            yield part.data


def parts(structure: Any) -> Iterator[Any]:
    """Whatever stands in the structure and is no container itself, depth first. A packed sequence is one part.

    >>> list(parts({"x": [1, 2], "more": ("a",)}))
    [1, 2, 'a']
    """
    if isinstance(structure, (Tensor, PackedSequence)):
        yield structure
    elif isinstance(structure, (list, tuple)):
        for value in structure:
            yield from parts(value)
    elif isinstance(structure, Mapping) or is_record(structure):
        for value in fields(structure).values():
            yield from parts(value)
    else:
        yield structure


def mapped(structure: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same structure with `change` applied to every tensor; what holds no tensor is handed on as it is.

    >>> mapped((torch.zeros(2), {"y": 1}), lambda t: t + 1)
    (tensor([1., 1.]), {'y': 1})
    """
    if isinstance(structure, Tensor):
        return change(structure)
    if isinstance(structure, PackedSequence):
        data = change(structure.data)
        order = [None if o is None else o.to(data.device) for o in (structure.sorted_indices, structure.unsorted_indices)]
        return PackedSequence(data, structure.batch_sizes, *order)
    if isinstance(structure, Mapping):
        return _mapping({key: mapped(value, change) for key, value in structure.items()}, structure)
    if isinstance(structure, tuple):
        values = [mapped(value, change) for value in structure]
        return type(structure)(*values) if hasattr(structure, "_fields") else tuple(values)
    if isinstance(structure, list):
        return [mapped(value, change) for value in structure]
    if is_record(structure):
        twin = copy.copy(structure)
        for name, value in fields(structure).items():
            object.__setattr__(twin, name, mapped(value, change))
        return twin
    return structure


def _mapping(values: dict, like: Mapping) -> Any:
    """`values` in a mapping of the same type where a shallow copy of one is known to be independent; else in a plain dict."""
    if type(like) is dict or not (isinstance(like, (dict, UserDict)) or hasattr(type(like), "__copy__")):
        return values
    twin = copy.copy(like)
    for key, value in values.items():
        twin[key] = value  # type: ignore[index]
    return twin


def fields(structure: Any) -> dict[str, Any]:
    """The named parts of a mapping, a named tuple, a dataclass or a record.

    >>> fields({"x": 1})
    {'x': 1}
    """
    if isinstance(structure, Mapping):
        return dict(structure)
    if hasattr(structure, "_asdict"):
        return dict(structure._asdict())
    if is_dataclass(structure):
        return {f.name: getattr(structure, f.name) for f in dataclasses.fields(structure) if hasattr(structure, f.name)}
    return dict(vars(structure))


def is_dataclass(structure: Any) -> bool:
    """True for an instance of a dataclass (the class itself does not count)."""
    return dataclasses.is_dataclass(structure) and not isinstance(structure, type)


def is_record(structure: Any) -> bool:
    """True for a dataclass, and for any plain object that keeps tensors in its attributes, such as a batch class of the user's own.

    >>> import types
    >>> is_record(types.SimpleNamespace(x=torch.zeros(2))), is_record(nn.Linear(1, 1)), is_record("text")
    (True, False, False)
    """
    if is_dataclass(structure):
        return True
    if isinstance(structure, (Tensor, nn.Module, type, Mapping)) or hasattr(structure, "__getitem__") or hasattr(structure, "__iter__"):
        return False
    held = getattr(structure, "__dict__", None)
    return isinstance(held, dict) and any(isinstance(value, Tensor) for value in held.values())


def copied(structure: Any, device: torch.device | None = None) -> Any:
    """The structure with every tensor cloned, taken out of its graph and, if a device is named, moved there."""
    return mapped(structure, lambda t: _cloned(t.detach(), device).requires_grad_(t.requires_grad))


def fresh(structure: Any) -> Any:
    """The structure with every tensor cloned inside its graph: gradients still reach the original, writing does not."""
    return mapped(structure, torch.clone)


def _cloned(tensor: Tensor, device: torch.device | None) -> Tensor:
    return tensor.clone() if device is None else tensor.to(device, copy=True)
