"""What `--metric` takes: a function of the user's, or the name of a metric that evaluation knows."""

from __future__ import annotations

from typing import Any

from ..engine.errors import UserMistake
from .closest import did_you_mean
from .names import Names

_LIBRARIES = ("sklearn.", "torchmetrics.")


def metric_named(text: str, names: Names) -> Any:
    """What can be called by that name, else the name itself where it is known; what is on the notebook's own shelf goes first.

    >>> metric_named("error", Names({"error": 0.3})), metric_named("sklearn.f1_score", Names({}))
    ('error', 'sklearn.f1_score')
    """
    try:
        value = names.value(text)
    except UserMistake:
        if _known(text):
            return text
        near = did_you_mean(text, _ours())
        if near and not did_you_mean(text, names.visible()):
            raise UserMistake(f"no name and no metric `{text}` here", do=near) from None
        raise
    return text if _known(text) and not callable(value) else value


def _known(text: str) -> bool:
    return text in _ours() or (text.startswith(_LIBRARIES) and text.replace(".", "").isidentifier())


def _ours() -> tuple[str, ...]:
    from ..instruments.evaluation.named import OURS

    return (*OURS, "loss")
