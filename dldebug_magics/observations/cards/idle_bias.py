"""Biases that a batch norm behind their layer subtracts again: found by who is given what, and by changing them.

The layer's result must enter the batch norm as it is; and the output must stay when all these biases move.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.ambient import seeded
from ...engine.call import forward
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
_NORMS = nn.modules.batchnorm._BatchNorm
_SAME = 1e-3  # of the output's spread; a bias of 1 adds rounding


@dataclasses.dataclass(frozen=True)
class IdleBiasCard(Observation):
    """layers: paths of layers and of the batch norms that they feed. moved: how far the output moves with these biases, in its spread."""

    layers: tuple[tuple[str, str], ...] = ()
    moved: float = 0.0

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[IdleBiasCard]:
        """Nothing is run without a batch norm in training mode and a bias; else one forward pass, or two where a layer feeds one."""
        named = dict(subject.model.named_modules())
        norms = {name: m for name, m in named.items() if isinstance(m, _NORMS) and m.training}
        layers = {name: m for name, m in named.items() if isinstance(m, _LAYERS) and m.bias is not None}
        if subject.step is not None or not norms or not layers:
            yield cls()
            return
        fed, before = _passed(subject, layers, norms)
        if not fed or before is None:
            yield cls()
            return
        with torch.no_grad():
            for layer, _ in fed:
                layers[layer].bias.add_(1.0)  # type: ignore[union-attr]
        after = _passed(subject, {}, {})[1]
        if after is not None and after.shape == before.shape:
            moved = float((after - before).abs().max()) / (float(before.std()) or 1.0)
            yield cls(tuple(fed) if moved < _SAME else (), moved)


def _passed(subject: Subject, layers: dict[str, Any], norms: dict[str, Any]) -> tuple[list[tuple[str, str]], Tensor | None]:
    """Which layer's result enters which batch norm, and the model's output."""
    made: dict[int, tuple[str, Tensor]] = {}
    fed: list[tuple[str, str]] = []

    def enters(name: str, given: tuple) -> None:
        source = made.get(id(given[0])) if given else None
        fed.extend([(source[0], name)] if source is not None and source[1] is given[0] else [])

    handles = [m.register_forward_hook(lambda _, given, out, name=n: made.update({id(out): (name, out)})) for n, m in layers.items()]
    handles += [m.register_forward_pre_hook(lambda _, given, name=n: enters(name, given)) for n, m in norms.items()]
    seeded(subject.seed)
    with torch.enable_grad():
        output, _ = forward(subject, subject.batch)
    for handle in handles:
        handle.remove()
    return list(dict.fromkeys(fed)), next((t.detach().float() for t in tensors(output) if t.is_floating_point()), None)
