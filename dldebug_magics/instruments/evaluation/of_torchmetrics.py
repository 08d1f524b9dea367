"""A metric of torchmetrics by its name: asked as it wants to be, with the task and the number of classes that the outputs show."""

from __future__ import annotations

import copy
import difflib
import functools
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ...engine.errors import UserMistake
from .kept import Whole
from .tasks import Task

_TASKS = {"classes": "multiclass", "flags": "binary"}


def torchmetric(name: str, task: Task, found: Tensor, target: Tensor) -> Whole:
    """`torchmetrics.functional.NAME`; its defaults hold but for `task`, `num_classes` and `num_labels`. Outputs and targets are kept.

    `UserMistake` where there is no such function, or one that wants more than outputs and targets can say.
    """
    if importlib.util.find_spec("torchmetrics") is None:
        raise UserMistake(f"`torchmetrics.{name}` needs torchmetrics", do="pip install torchmetrics")
    function = _function(name)
    takes = inspect.signature(function).parameters
    of_task = any(word in takes for word in ("task", "num_classes", "num_labels")) or name.startswith(("binary_", "multiclass_"))
    if of_task and task.kind not in _TASKS:
        raise UserMistake(f"`torchmetrics.{name}` is for classes", expected="another metric for such outputs", do="or pass a function")
    labels = target.shape[1] if task.kind == "flags" and target.ndim == 2 and target.shape[1] > 1 else 0
    known = {"task": "multilabel" if labels else _TASKS.get(task.kind), "num_labels": labels or None}
    known["num_classes"] = found.shape[task.axis] if task.kind == "classes" else None
    given = {word: value for word, value in known.items() if word in takes and value is not None}
    wanted = [word for word, p in list(takes.items())[2:] if p.default is p.empty and p.kind is not p.VAR_KEYWORD and word not in given]
    if wanted:
        also = f"torchmetrics.functional.{name}(output, target, {', '.join(f'{word}=...' for word in (*given, *wanted))})"
        raise UserMistake(f"`torchmetrics.{name}` wants {', '.join(wanted)}, too", do=f"pass a function that calls {also}")
    asked = functools.partial(_asked, functools.partial(function, **given), task if of_task else Task("values"))
    return Whole(name.rpartition(".")[2], asked, larger_is_better=_rises(name.rpartition(".")[2], str(known["task"] or "")))


def _function(name: str) -> Callable[..., Any]:
    import torchmetrics.functional

    found: Any = torchmetrics.functional
    for part in name.split("."):
        found = getattr(found, part, None)
    if callable(found) and not isinstance(found, type):
        return found
    plain = {_plain(known): known for known in dir(torchmetrics.functional) if not known.startswith("_")}
    close = difflib.get_close_matches(_plain(name), plain, n=1)
    raise UserMistake(f"torchmetrics has no function `{name}`", do=f"did you mean torchmetrics.{plain[close[0]]}?" if close else "")


def _asked(function: Callable[..., Any], task: Task, found: Tensor, target: Tensor) -> float:
    """Asked with probabilities, classes along axis 1, and whole numbers for labels; with values as they are."""
    if task.kind == "classes":
        found, target = found.movedim(task.axis, 1).float().softmax(1), target.argmax(task.axis) if task.soft else target
    elif task.kind == "flags":
        found, target = found.reshape(target.shape).float(), target.long()
        found = found.sigmoid() if task.threshold == 0 else found
    elif found.numel() == target.numel():
        found = found.reshape(target.shape)
    value = function(found.contiguous(), target.contiguous())
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise TypeError(f"it gives {list(value.shape) if isinstance(value, Tensor) else type(value).__name__}, and one number is wanted")
    return float(value)


def _rises(function: str, task: str) -> bool:
    """Whether more is better, as the class of that name says; else by its name."""
    import torchmetrics
    import torchmetrics.classification
    import torchmetrics.regression

    rooms = (torchmetrics.classification, torchmetrics.regression, torchmetrics)
    kinds = {_plain(name): kind for room in rooms for name, kind in vars(room).items() if isinstance(kind, type)}
    said = [getattr(kinds.get(_plain(f"{before}{function}")), "higher_is_better", None) for before in (task, "")]
    known = next((word for word in said if word is not None), None)
    return bool(known) if known is not None else by_name(function)


def by_name(name: str) -> bool:
    """Whether more is better, as far as a name says it.

    >>> by_name("r2_score"), by_name("max_error"), by_name("mean_gamma_deviance")
    (True, False, False)
    """
    less = ("error", "loss", "mse", "mae", "rmse", "perplexity", "distance", "deviance", "divergence")
    return not any(word in name.lower() for word in less)


def untouched(metric: Any) -> Callable[[Tensor, Tensor], Any]:
    """A metric that counts on from call to call, as torchmetrics' objects do, asked on a copy that has counted nothing."""

    def value(found: Tensor, target: Tensor) -> Any:
        fresh = copy.deepcopy(metric)
        fresh.reset()
        return fresh(found, target)

    return value


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
