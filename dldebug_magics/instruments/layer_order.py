"""The layers of a model in the order in which they run: what goes in, what comes out, and which activation bends it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.call import loss_of
from ..engine.nested import tensors
from ..engine.subject import Subject
from .calls import ACTIVATIONS, Call, Calls
from .modes import in_mode

NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else ()),
)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
WEIGHTED = (nn.Linear, *CONVOLUTIONS, nn.RNNBase)
_SEEN = (*WEIGHTED, *NORMS, nn.Embedding, nn.EmbeddingBag, nn.MultiheadAttention)
_BENDING = ACTIVATIONS - {"softmax", "log_softmax", "logsigmoid"}


@dataclasses.dataclass
class Layer:
    """A layer that ran: the shapes of its first tensors in and out, without a batch's length being told apart; how often it ran.

    raw: no weight has touched what goes in. last: what it gives is an output of the model. bent: the activation that is called before the
    next layer runs, as a function of a tensor.
    """

    name: str
    module: Any
    given: tuple[int, ...]
    made: tuple[int, ...]
    raw: bool
    calls: int = 1
    last: bool = False
    bent: Callable[[Tensor], Tensor] | None = None

    @property
    def trained(self) -> bool:
        """Whether any of its own parameters learns."""
        return any(p.requires_grad for p in self.module.parameters())


class _Noted:
    """The hooks that write down which layers run, beside the activations that are called meanwhile."""

    def __init__(self, model: nn.Module):
        self.model, self.calls = model, Calls(_BENDING, model)
        self.found: dict[nn.Module, Layer] = {}
        self.starts: list[int] = []  # how many activations had been called when each layer was through
        self.made: list[Tensor] = []
        self.handles: list[Any] = []

    def __enter__(self) -> _Noted:
        for name, module in self.model.named_modules():
            if isinstance(module, _SEEN):
                self.handles.append(module.register_forward_hook(functools.partial(self._note, name=name), with_kwargs=True))
        self.handles.append(self.model.register_forward_hook(self._end))
        self.calls.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.calls.__exit__(*error)
        for handle in self.handles:
            handle.remove()

    def _note(self, module: nn.Module, given: tuple, keywords: dict, output: Any, *, name: str) -> None:
        into, out = next(tensors((given, keywords)), None), next(tensors(output), None)
        if module in self.found:
            self.found[module].calls += 1
        elif into is not None and out is not None:
            raw = not any(t.requires_grad for t in tensors((given, keywords)))
            self.found[module] = Layer(name, module, tuple(into.shape), tuple(out.shape), raw)
            self.starts.append(len(self.calls.made))
            self.made.append(out)

    def _end(self, model: nn.Module, given: tuple, output: Any) -> None:
        outputs = {id(tensor) for tensor in tensors(output)}
        for layer, made in zip(self.found.values(), self.made, strict=True):
            layer.last = layer.last or id(made) in outputs

    def layers(self) -> list[Layer]:
        ends = [*self.starts, len(self.calls.made)][1:]
        for layer, start, end in zip(self.found.values(), self.starts, ends, strict=True):
            layer.bent = _function(self.calls.made[start]) if start < end else None
        return list(self.found.values())


def layer_order(subject: Subject) -> list[Layer]:
    """Every layer of torch's own that runs in one pass of the frozen batch, in evaluation mode; each once, where it ran first."""
    with in_mode(subject.model, training=False), torch.enable_grad(), _Noted(subject.model) as noted:
        loss_of(subject)
    return noted.layers()


def hidden(layers: list[Layer]) -> list[Layer]:
    """Those with a weight that run once, learn, and do not make the output: neither the last with a weight, nor a head beside it.

    >>> inner = Layer("0", nn.Linear(2, 3), (8, 2), (8, 3), True)
    >>> [layer.name for layer in hidden([inner, Layer("2", nn.Linear(3, 1), (8, 3), (8, 1), False)])]
    ['0']
    """
    weighted = [layer for layer in layers if isinstance(layer.module, WEIGHTED)]
    return [layer for layer in weighted[:-1] if layer.calls == 1 and layer.trained and not layer.last]


def any_frozen(model: nn.Module) -> bool:
    """Whether a layer of the model is kept from learning; a table of positions that never learns is none.

    >>> any_frozen(nn.Linear(2, 1)), any_frozen(nn.Linear(2, 1).requires_grad_(False))
    (False, True)
    """
    layers = [module for module in model.modules() if isinstance(module, _SEEN)]
    return any(not p.requires_grad for layer in layers for p in layer.parameters(recurse=False))


def _function(call: Call) -> Callable[[Tensor], Tensor]:
    """A recorded activation with its settings, and never in place."""
    plain = getattr(nn.functional, call.name.rstrip("_"), None) or getattr(torch, call.name.rstrip("_"))
    settings = {key: value for key, value in call.keywords.items() if key not in ("inplace", "input")}
    return functools.partial(_bent, plain, call.arguments[1:], settings)


def _bent(plain: Callable, arguments: tuple[Any, ...], settings: dict[str, Any], tensor: Tensor) -> Tensor:
    return plain(tensor, *arguments, **settings)
