"""How a batch meets the model's `forward`: which names it takes, what the batch has, and what goes in twice. Nothing is run."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from ...engine.nested import parts
from ...engine.observation import Observation
from ...engine.split import LABELS, split
from ...engine.subject import Subject
from ...engine.takes import parameters


@dataclasses.dataclass(frozen=True)
class SignatureCard(Observation):
    """takes: the parameters of `forward`; needs: those without a default. keys: of a batch that is a mapping, without its labels.

    doubled: a target that the model takes as an input, too, because the batch has nothing else for that parameter; the parameter's name.
    spelt: the method whose name is nearest to `forward`, where the model has none.
    """

    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    doubled: str = ""
    spelt: str = ""

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[SignatureCard]:
        """Read the signature."""
        takes = parameters(subject.model.forward) or {}
        needs = tuple(name for name, p in takes.items() if p.default is inspect.Parameter.empty)
        keys = tuple(map(str, subject.batch)) if isinstance(subject.batch, Mapping) else ()
        yield cls(tuple(takes), needs, tuple(k for k in keys if k not in LABELS), _doubled(subject, needs), _spelt(subject.model))


def _doubled(subject: Subject, needs: tuple[str, ...]) -> str:
    if subject.step is not None or subject.loss_fn is None or not isinstance(subject.batch, (tuple, list)) or len(needs) < 2:
        return ""
    arguments, _, targets = split(subject, subject.batch)
    given = {id(part) for part in parts(arguments[-1:])}
    return needs[-1] if len(arguments) == len(needs) and any(id(part) in given for part in parts(targets)) else ""


def _spelt(model: Any) -> str:
    if type(model).forward is not nn.Module.forward:
        return ""
    own = [name for name in vars(type(model)) if callable(getattr(model, name)) and not name.startswith("__")]
    return next(iter(difflib.get_close_matches("forward", own, 1)), "")
