"""What of a batch goes into the model, by name; and whether two splits give it the same kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...engine.call import split
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.split import LABELS
from ...engine.subject import Subject

Shapes = Mapping[str, tuple[int, ...]]


def inputs_of(subject: Subject, batch: Any) -> dict[str, Tensor]:
    """The tensors that go into the model, by the name of their parameter or their place; labels of a model's own loss are none."""
    if subject.step is None:
        arguments, keywords, _ = split(subject, batch)
    else:
        several = isinstance(batch, (tuple, list)) and len(batch) > 1
        arguments, keywords = (tuple(batch[:-1]), {}) if several else ((batch,), {})
    parts: dict[str, Any] = {**{f"input {place}": part for place, part in enumerate(arguments)}, **keywords}
    flat = {name: dict(part) if isinstance(part, Mapping) else {"": part} for name, part in parts.items() if name not in LABELS}
    named = [(inner or name, value) for name, held in flat.items() for inner, value in held.items() if inner not in LABELS]
    return {f"{name}{f' {i}' if i else ''}": t for name, value in named for i, t in enumerate(tensors(value))}


def own_label(batch: Any) -> tuple[Any, ...]:
    """The label in a batch of a model that computes its own loss, where it is one of each sample; letters to come are another matter."""
    label = next((batch[name] for name in LABELS if name in batch), None) if isinstance(batch, Mapping) else None
    return (label,) if isinstance(label, Tensor) and label.ndim == 1 else ()


def is_input(target: Any, given: Mapping[str, Tensor]) -> bool:
    """Whether what stands for a target is the input itself, as it does where nothing else is in a batch."""
    first = next(iter(given.values()), None)
    return isinstance(target, Tensor) and first is not None and target.shape == first.shape and torch.equal(target, first)


def same_kind(here: Shapes, there: Shapes, names: tuple[str, str]) -> None:
    """A `UserMistake` where the inputs of one split can't be held against those of the other. Shapes are those of one sample.

    >>> same_kind({"input 0": (3, 32, 32)}, {"input 0": (3, 28, 28)}, ("train", "test"))
    """
    common = [name for name in here if name in there]
    unlike = [name for name in common if len(here[name]) != len(there[name]) or _columns(here[name]) != _columns(there[name])]
    if unlike or (here and there and not common):
        sides = [_told(side, unlike) for side in (here, there)]
        raise UserMistake(
            f"a sample of `{names[1]}` has {sides[1]}, one of `{names[0]}` {sides[0]}", expected="the same inputs in both splits"
        )


def _columns(shape: tuple[int, ...]) -> tuple[int, ...]:
    """What can't differ within one kind of data: the columns of a table, the channels of a picture; lengths and sizes may."""
    return shape if len(shape) == 1 else shape[:1] if len(shape) == 3 else ()


def _told(side: Shapes, only: list[str]) -> str:
    return " and ".join(f"{name} of shape {shape}" for name, shape in side.items() if not only or name in only)
