"""A wider or narrower model: every hidden layer with several times the units, begun anew, under an optimizer with the old settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..engine.ambient import seeded
from ..engine.call import loss_of
from ..engine.nested import tensors
from ..engine.subject import Subject
from .held_parameters import held, parameters_of

TIMES = 4
_Built = nn.Module | None


def widened(subject: Subject, times: float = TIMES) -> Subject:
    """Every hidden width times four (or `times`), as far as the model is made of torch's own layers; inputs and outputs keep theirs.

    A model that writes a width down elsewhere (a reshape, a bare parameter) can't be widened so: it crashes where the widths meet.
    """
    order, before = _order(subject), parameters_of(subject)
    last = next((m for m, _ in reversed(order) if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase))), None)
    seeded(subject.seed)
    for module, raw in order:
        build = _BUILDERS.get(type(module))
        built = None if build is None else build(module, 1 if raw else times, 1 if module is last else times)
        if built is not None:
            like = next(module.parameters(), torch.empty(0))
            vars(module).update(vars(built.to(like.device, like.dtype).train(module.training)))
    return held(subject, before)


def by(times: float) -> Callable[[Subject], Subject]:
    """The change that makes every hidden layer so many times as wide."""
    return lambda subject: widened(subject, times)


def _of(width: int, times: float) -> int:
    return max(1, int(width * times))


def _order(subject: Subject) -> list[tuple[nn.Module, bool]]:
    """The layers in the order in which they first run, and whether what goes into each is the raw input."""
    seen: dict[nn.Module, bool] = {}

    def note(module: nn.Module, given: tuple, _: Any) -> None:
        seen.setdefault(module, not any(t.requires_grad for t in tensors(given)))

    handles = [m.register_forward_hook(note) for m in subject.model.modules() if type(m) in _BUILDERS]
    seeded(subject.seed)
    try:
        with torch.enable_grad():
            loss_of(subject)
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.items())


def _linear(module: nn.Linear, before: float, after: float) -> _Built:
    return nn.Linear(_of(module.in_features, before), _of(module.out_features, after), module.bias is not None)


def _convolution(module: Any, before: float, after: float) -> _Built:
    if module.groups != 1:
        return None
    shape = {"stride": module.stride, "padding": module.padding, "dilation": module.dilation, "padding_mode": module.padding_mode}
    widths = (_of(module.in_channels, before), _of(module.out_channels, after))
    return type(module)(*widths, module.kernel_size, bias=module.bias is not None, **shape)


def _batch_norm(module: Any, before: float, after: float) -> _Built:
    return type(module)(_of(module.num_features, before), module.eps, module.momentum, module.affine, module.track_running_stats)


def _layer_norm(module: nn.LayerNorm, before: float, after: float) -> _Built:
    *rest, width = module.normalized_shape
    return nn.LayerNorm([*rest, _of(width, before)], module.eps, module.elementwise_affine)


def _group_norm(module: nn.GroupNorm, before: float, after: float) -> _Built:
    return nn.GroupNorm(module.num_groups, _of(module.num_channels, before), module.eps, module.affine)


def _recurrent(module: Any, before: float, after: float) -> _Built:
    settings = {name: getattr(module, name) for name in ("num_layers", "bias", "batch_first", "dropout", "bidirectional")}
    more = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
    return type(module)(_of(module.input_size, before), _of(module.hidden_size, after), **settings, **more)


def _embedding(module: nn.Embedding, before: float, after: float) -> _Built:
    return nn.Embedding(module.num_embeddings, _of(module.embedding_dim, after), module.padding_idx)


_BUILDERS: dict[type[nn.Module], Callable[[Any, float, float], _Built]] = {
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
    nn.Embedding: _embedding,
    **dict.fromkeys((nn.Conv1d, nn.Conv2d), _convolution),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
    **dict.fromkeys((nn.RNN, nn.LSTM, nn.GRU), _recurrent),
}
