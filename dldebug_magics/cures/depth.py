"""A deeper model: one more hidden block of the kind that it ends in, with inputs and outputs as they were."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from ..engine.ambient import seeded
from ..engine.subject import Subject
from ..instruments.layer_order import NORMS, Layer, hidden, layer_order
from .held_parameters import held, parameters_of
from .layers import rebuilt

Edit = Callable[[Subject], Subject]
_BLOCKS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def ways(subject: Subject) -> Iterator[tuple[str, Edit]]:
    """How this model could be made deeper, the most natural first: in words, and as a change. Whether it runs so is to be tried."""
    for name, module in subject.model.named_modules():
        if isinstance(module, (nn.Sequential, nn.ModuleList)) and _repeats(list(module.children())):
            yield f"one more {type(module[-1]).__name__} in `{name or subject.name('model')}`", _repeated(name)
    order = layer_order(subject)
    for layer in reversed(order):
        if isinstance(layer.module, nn.RNNBase) and layer.trained:
            yield f"one more layer in `{layer.name}`", _stacked(layer.name, layer.module.num_layers + 1)
    for layer in reversed(hidden(order)):
        if (
            _bent_behind(order, layer) is not None
            and isinstance(layer.module, (nn.Linear, nn.Conv1d, nn.Conv2d))
            and not _grouped(layer.module)
        ):
            yield f"one more hidden layer like `{layer.name}`, behind it", _behind(layer.name)


def _repeats(children: list[nn.Module]) -> bool:
    """Whether a list of layers ends in blocks of one kind, so that one more can follow."""
    if not children or not any(True for _ in children[-1].parameters()) or not any(True for _ in children[-1].children()):
        return False
    return isinstance(children[-1], _BLOCKS) or (len(children) > 1 and type(children[-1]) is type(children[-2]))


def _grouped(module: Any) -> bool:
    return getattr(module, "groups", 1) != 1


def _repeated(name: str) -> Edit:
    def change(subject: Subject) -> Subject:
        before = parameters_of(subject)
        blocks: Any = subject.model.get_submodule(name)
        blocks.append(copy.deepcopy(blocks[-1]))
        return held(subject, before)

    return change


def _stacked(name: str, count: int) -> Edit:
    def change(subject: Subject) -> Subject:
        before = parameters_of(subject)
        seeded(subject.seed)
        return held(rebuilt(name, num_layers=count)(subject), before)

    return change


class Behind(nn.Module):
    """What the layer in front of it gives is normed as it was there, bent, and goes through a layer of the same width."""

    def __init__(self, norm: nn.Module, bent: Callable[[Tensor], Tensor], layer: nn.Module):
        super().__init__()
        self.norm, self.bent, self.layer = norm, bent, layer

    def forward(self, tensor: Tensor) -> Tensor:
        return self.layer(self.bent(self.norm(tensor)))


def _behind(name: str) -> Edit:
    """The new layer stands right behind the old one, in front of the norm and the activation that follow: the user's own come last."""

    def change(subject: Subject) -> Subject:
        before, order = parameters_of(subject), layer_order(subject)
        layer = next(layer for layer in order if layer.name == name)
        norm, bent = _norm_behind(order, layer), _bent_behind(order, layer)
        assert bent is not None, "it was offered"
        seeded(subject.seed)
        own = copy.deepcopy(norm.module) if norm is not None else nn.Identity()
        layer.module.behind = Behind(own, bent, _like(layer)).train(layer.module.training)
        layer.module.register_forward_hook(_through)
        return held(subject, before)

    return change


def _norm_behind(order: list[Layer], layer: Layer) -> Layer | None:
    """The norm that runs next, if it takes what the layer gives."""
    following = next(iter(order[order.index(layer) + 1 :]), None)
    return following if following is not None and isinstance(following.module, NORMS) and following.given == layer.made else None


def _bent_behind(order: list[Layer], layer: Layer) -> Callable[[Tensor], Tensor] | None:
    """The activation behind a layer, or behind the norm that follows it."""
    norm = _norm_behind(order, layer)
    return layer.bent or (norm.bent if norm is not None else None)


def _through(module: Any, given: tuple, output: Any) -> Any:
    return module.behind(output)


def _like(layer: Layer) -> nn.Module:
    """A layer that gives as much as it takes."""
    module, weight = layer.module, layer.module.weight
    if isinstance(module, nn.Linear):
        made: nn.Module = nn.Linear(module.out_features, module.out_features, module.bias is not None)
    else:
        sizes = [size if size % 2 else size + 1 for size in module.kernel_size]
        made = type(module)(
            module.out_channels, module.out_channels, sizes, padding=[size // 2 for size in sizes], bias=module.bias is not None
        )
    return made.to(weight.device, weight.dtype)
