"""What `--metric` takes: a function of the user's, or the name of a metric that evaluation knows."""

from __future__ import annotations

from typing import Any

from ..engine.errors import UserMistake
from .names import Names

METRICS = ("error", "top3", "top5", "rmse", "mae", "perplexity", "f1", "iou", "auroc", "loss")
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
        raise
    return text if _known(text) and not callable(value) else value


def _known(text: str) -> bool:
    return text in METRICS or (text.startswith(_LIBRARIES) and text.replace(".", "").isidentifier())
