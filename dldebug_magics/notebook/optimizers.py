"""An optimizer by the name of its kind alone: `--optimizer adam`, where nothing in the notebook has that name."""

from __future__ import annotations

from typing import Any

from .names import Names


def kind_named(text: str, names: Names) -> Any:
    """Torch's optimizer class of that name in any case; None for a name of the user's, and for what is no such name.

    >>> kind_named("sgd", Names({})).__name__, kind_named("adam", Names({"adam": 3})), kind_named("adma", Names({}))
    ('SGD', None, None)
    """
    if text in names.everything or not text.isidentifier():
        return None
    from torch import optim

    kinds = [kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)]
    return next((kind for kind in kinds if kind is not optim.Optimizer and kind.__name__.lower() == text.lower()), None)


def made(optimizer: Any, model: Any) -> Any:
    """An optimizer of that kind with torch's defaults for the model's parameters; what is no class is handed on as it is."""
    return optimizer(model.parameters()) if isinstance(optimizer, type) else optimizer
