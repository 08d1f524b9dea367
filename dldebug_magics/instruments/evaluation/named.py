"""A metric by the name that the user types: ours, one of scikit-learn's, one of torchmetrics', or any function of (outputs, targets)."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ...engine.errors import UserMistake
from ...engine.subject import Subject
from .kept import Whole
from .losses import loss_metric
from .metrics import Metric, error, mae, perplexity, rmse, top
from .of_torchmetrics import by_name, torchmetric, untouched
from .overlaps import f1, iou
from .ranks import auroc
from .tasks import Task, scores

OURS: dict[str, Callable[[Task], Metric | Whole]] = {
    "error": error,
    "top3": top(3),
    "top5": top(5),
    "rmse": rmse,
    "mae": mae,
    "perplexity": perplexity,
    "f1": f1,
    "iou": iou,
    "auroc": auroc,
}
_USUAL = {"classes": "error", "flags": "error", "values": "rmse", "": "loss"}
_NEEDS = {"error": "classes flags", "top3": "classes", "top5": "classes", "rmse": "values flags", "mae": "values flags"}
_NEEDS |= {"perplexity": "classes", "f1": "classes flags", "iou": "classes flags", "auroc": "classes flags"}
_OF_SCORES = ("roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss", "top_k_accuracy_score")


def named(
    metric: str | Metric | Whole | Callable[..., Any] | None, subject: Subject, task: Task, output: Any, targets: tuple[Any, ...]
) -> Metric | Whole:
    """The metric asked for; without one, the subject's own, else the error rate of classes, the root mean squared error of values.

    `UserMistake` where the name is unknown, or the metric is not for such outputs.
    """
    asked = metric if metric is not None else subject.metric if subject.metric is not None else _USUAL[task.kind]
    if isinstance(asked, (Metric, Whole)):
        return asked
    if inspect.isroutine(asked):  # one of sklearn's wants the targets first, one of torchmetrics' the task
        home = str(asked.__module__).partition(".")[0]
        asked = f"{home}.{asked.__name__.lstrip('_')}" if home in ("sklearn", "torchmetrics") else asked
    if not isinstance(asked, str):
        counts_on = all(callable(getattr(asked, word, None)) for word in ("update", "compute", "reset"))
        value = untouched(asked) if counts_on else asked
        return Whole(getattr(asked, "__name__", type(asked).__name__), value, larger_is_better=_rises(asked))
    if asked == "loss":
        return loss_metric(subject, output, targets)
    if asked in OURS:
        if task.kind not in _NEEDS[asked].split():
            seen = f"outputs that look like {task.kind}" if task.kind else "outputs that nobody can tell apart from their targets"
            raise UserMistake(f"`{asked}` is not for {seen}", expected=f"one of {', '.join(_fitting(task))}", do="or pass a function")
        return OURS[asked](task)
    found, target = scores(output), targets[0] if targets else None
    library, _, name = asked.partition(".")
    if library == "torchmetrics" and isinstance(found, Tensor) and isinstance(target, Tensor):
        return torchmetric(name.removeprefix("functional."), task, found, target)
    return _of_sklearn(asked, task)


def _fitting(task: Task) -> list[str]:
    return [*(name for name, kinds in _NEEDS.items() if task.kind in kinds.split()), "loss"]


def _of_sklearn(name: str, task: Task) -> Whole:
    """`sklearn.metrics.NAME`. Of classes, what is said of each sample is kept, and the scores only where the metric is of scores."""
    library, _, function = name.rpartition(".")
    import sklearn.metrics

    function = function if library in ("", "sklearn", "sklearn.metrics") else name
    found = getattr(sklearn.metrics, function, None)
    if not callable(found) or isinstance(found, type):
        known = [*OURS, "loss", *(n for n in sklearn.metrics.__all__ if n.endswith(("_score", "_loss", "_error")))]
        close = difflib.get_close_matches(function, known, n=1)
        raise UserMistake(f"no metric `{name}`", do=f"did you mean {close[0]}?" if close else f"known are {', '.join([*OURS, 'loss'])}")
    said = task.kind == "classes" and found.__name__ not in _OF_SCORES
    keeps = (lambda scores, target: (scores.argmax(task.axis), target)) if said else Whole.keeps
    return Whole(function, functools.partial(_sklearn, found, task, said), larger_is_better=by_name(function), keeps=keeps)


def _sklearn(function: Callable[..., float], task: Task, is_said: bool, found: Tensor, target: Tensor) -> float:
    """Asked with probabilities where it wants these, else with what they say; `is_said`: found is that already."""
    if is_said:
        said = found
    elif task.kind == "classes":
        said = found.double().softmax(task.axis)
        said = said[:, 1] if said.shape[1] == 2 else said
    else:
        said = found.reshape(target.shape)
        if task.kind == "flags":
            probabilities = said.double().sigmoid() if task.threshold == 0 else said.double()
            said = probabilities if function.__name__ in _OF_SCORES else (said > task.threshold).long()
            target = target.long()
    return float(function(target.numpy(), said.numpy()))


def _rises(metric: Any) -> bool:
    """Whether more is better: what the metric says of itself (torchmetrics do), else what its name says."""
    said = getattr(metric, "higher_is_better", None)
    return bool(said) if said is not None else by_name(getattr(metric, "__name__", type(metric).__name__))
