"""The set-up as found: optimizer and rates, training mode, regularisation, and the user's names for it all."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from ...engine.observation import Observation
from ...engine.subject import Subject

_MODE_SENSITIVE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
_NOT_SETTINGS = {
    "params",
    "foreach",
    "capturable",
    "differentiable",
    "fused",
    "initial_lr",
    "max_lr",
    "min_lr",
    "base_momentum",
    "max_momentum",
}


@dataclasses.dataclass(frozen=True)
class SetUp(Observation):
    """Static facts. `groups` are the optimizer's settings, a dict a parameter group; `dropouts` maps module paths to probabilities.

    `unseeing` are the batch norms in evaluation mode whose statistics have never seen a batch.
    """

    names: Mapping[str, str]
    optimizer: str
    written: str
    groups: tuple[Mapping[str, Any], ...]
    defaults: Mapping[str, Any]
    given: bool
    training: bool
    mode_sensitive: tuple[str, ...]
    in_evaluation: tuple[str, ...]
    dropouts: Mapping[str, float]
    label_smoothing: float
    unseeing: tuple[str, ...] = ()

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[SetUp]:
        """Read it off the objects; nothing is run."""
        optimizer, modules = subject.optimizer, list(subject.model.named_modules())
        names = {role: subject.name(role) for role in ("model", "loss_fn", "optimizer", "train", "val")}
        groups = tuple({k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups) if optimizer is not None else ()
        sensitive = [(name or "the model", m) for name, m in modules if isinstance(m, _MODE_SENSITIVE)]
        yield cls(
            names=names,
            optimizer=type(optimizer).__name__ if optimizer is not None else "Adam",
            written=_written(type(optimizer)) if optimizer is not None else "torch.optim.Adam",
            groups=groups or ({"lr": 3e-4},),
            defaults=_defaults(optimizer),
            given=optimizer is not None,
            training=subject.model.training,
            mode_sensitive=tuple(name for name, _ in sensitive),
            in_evaluation=tuple(name for name, m in sensitive if not m.training),
            dropouts={name: p for name, p in ((name, _dropout(m)) for name, m in modules) if p > 0},
            label_smoothing=float(getattr(subject.loss_fn, "label_smoothing", 0.0) or 0.0),
            unseeing=tuple(name for name, m in sensitive if not m.training and _never_ran(m)),
        )

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rate of each group."""
        return tuple(float(group.get("lr") or 0.0) for group in self.groups)

    def optimizer_line(self, **changed: Any) -> str:
        """The user's optimizer with some settings changed, as they would write it."""
        name, model = self.names["optimizer"], self.names["model"]
        if len(self.groups) > 1:
            lines = [f"for group in {name}.param_groups:\n    group[{key!r}] = {_value(value)}" for key, value in changed.items()]
            return "\n".join(lines) or f"{name} = {self.written}([...])   # its {len(self.groups)} groups, of what {model} holds now"
        known = {k: v for k, v in self.groups[0].items() if k in self.defaults or k != "decoupled_weight_decay"}  # AdamW's group has it
        own = {k: v for k, v in known.items() if k not in _NOT_SETTINGS and v != self.defaults.get(k)}
        settings = {**{k: v for k, v in own.items() if k != "lr"}, "lr": self.rates[0], **changed}
        words = ", ".join(f"{key}={_value(value)}" for key, value in sorted(settings.items(), key=lambda item: item[0] != "lr"))
        return f"{name} = {self.written}({model}.parameters(), {words})"

    def rate_line(self, factor: float) -> str:
        """The user's optimizer with every learning rate multiplied, as they would write it."""
        if len(self.groups) == 1:
            return self.optimizer_line(lr=self.rates[0] * factor)
        return f"for group in {self.names['optimizer']}.param_groups:\n    group['lr'] *= {factor:g}"


def _dropout(module: nn.Module) -> float:
    """A module's dropout probability: a dropout layer's own, or that of a recurrent or attention layer."""
    p = module.p if isinstance(module, nn.modules.dropout._DropoutNd) else getattr(module, "dropout", 0.0)
    return float(p) if isinstance(p, (int, float)) else 0.0


def _never_ran(module: nn.Module) -> bool:
    """Whether this is a batch norm that keeps statistics and has seen no batch."""
    seen = getattr(module, "num_batches_tracked", None)
    return seen is not None and int(seen) == 0


def _written(kind: type) -> str:
    """An optimizer's class as it is written: torch's own with their package."""
    return f"torch.optim.{kind.__name__}" if kind.__module__.startswith("torch.optim") else kind.__name__


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _defaults(optimizer: Any) -> dict[str, Any]:
    """What the optimizer's class takes where nothing is said."""
    if optimizer is None:
        return {}
    taken = inspect.signature(type(optimizer).__init__).parameters
    return {name: p.default for name, p in taken.items() if p.default is not p.empty}
