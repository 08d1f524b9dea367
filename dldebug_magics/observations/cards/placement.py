"""Where the tensors of a program live and what kind of numbers they hold: weights, buffers, what else the model keeps, the loss, the data.

Nothing is run. What a module keeps as a plain attribute is told apart, because `model.to(...)` leaves it behind.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader

from ...engine.batch import is_one_batch
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject


@dataclasses.dataclass(frozen=True)
class Held:
    """A tensor that a model or a loss keeps: its path ("encoder.table"), its device and kind, and whether `to` moves it."""

    path: str
    device: str
    dtype: str
    registered: bool


@dataclasses.dataclass(frozen=True)
class PlacementCard(Observation):
    """device, dtype: those of most weights. kept: what the model holds beside them; in_loss: what the loss holds.

    data: the devices of the data as the program holds them, before they were moved; looked up only where the model is not on the CPU.
    names: the user's words for loss and data.
    """

    reads_numbers: ClassVar[bool] = False

    device: str = "cpu"
    dtype: str = "float32"
    kept: tuple[Held, ...] = ()
    in_lists: tuple[Held, ...] = ()
    in_loss: tuple[Held, ...] = ()
    data: tuple[str, ...] = ()
    names: tuple[str, str] = ("loss_fn", "train_loader")

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[PlacementCard]:
        """Read it off the objects."""
        weights = [p for p in subject.model.parameters() if not is_lazy(p) and p.is_floating_point()]
        devices, kinds = Counter(p.device.type for p in weights), Counter(_kind(p) for p in weights)
        device = devices.most_common(1)[0][0] if devices else "cpu"
        kept, in_lists = (tuple(_held(subject.model)), tuple(_in_lists(subject.model))) if weights else ((), ())
        in_loss = tuple(_held(subject.loss_fn)) if isinstance(subject.loss_fn, nn.Module) else ()
        data = () if device == "cpu" else tuple(sorted({t.device.type for t in tensors(_first(subject.train))}))
        names = subject.name("loss_fn"), subject.name("train")
        yield cls(device, kinds.most_common(1)[0][0] if kinds else "float32", kept, in_lists, in_loss, data, names)


def _held(model: nn.Module) -> Iterator[Held]:
    for path, module in model.named_modules():
        inside = f"{path}." if path else ""
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if not is_lazy(tensor):
                yield Held(f"{inside}{name}", tensor.device.type, _kind(tensor), True)
        for name, value in vars(module).items():
            if not name.startswith("_"):
                yield from (Held(f"{inside}{name}", t.device.type, _kind(t), False) for t in _own(value))


def _in_lists(model: nn.Module) -> Iterator[Held]:
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            layers = value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else ()
            if not name.startswith("_"):
                weights = [p for layer in layers if isinstance(layer, nn.Module) for p in layer.parameters() if not is_lazy(p)]
                yield from (Held(f"{path}.{name}" if path else name, p.device.type, _kind(p), False) for p in weights[:1])


def _own(value: Any) -> Iterable[Tensor]:
    return tensors(value) if isinstance(value, (Tensor, list, tuple, dict)) else ()


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _first(source: Any) -> Any:
    """One batch, or one sample of a data set that can be read by number; nothing of what costs more."""
    if source is None or is_one_batch(source):
        return source
    data = source.dataset if isinstance(source, DataLoader) else source
    return data[0] if hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data) else None
