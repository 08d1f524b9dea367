"""A classifier's outputs corrected for classes that are in other proportions where it is used, which are estimated without labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.nested import mapped
from ..engine.subject import Subject
from ..instruments.evaluation.tasks import scores, task_of
from ..instruments.modes import in_mode
from ..instruments.target_split import passed_over, target_of

_LEAST, _MOST = 0.01, 100.0  # how much rarer or commoner a class may be called
Estimate = Callable[[Tensor, Tensor, Tensor], Tensor]  # of probabilities and labels of the one split, and probabilities of the other


def known(subject: Subject) -> tuple[str, Any]:
    """The labelled split like train that says how the model errs: train-val, which it did not learn, or else train."""
    return ("train_val", subject.train_val) if subject.train_val is not None else ("train", subject.train)


def shares(subject: Subject) -> str:
    """What the outputs are: "classes" (a score for each), "flag" (one of yes or no); empty where no prior can be read off them."""
    with in_mode(subject.model, training=False):
        output, targets = next(passed_over(subject, subject.batch))
    found, task = scores(output), task_of(subject, output, targets)
    if found is None or task.soft or (task.kind == "classes" and (found.ndim != 2 or found.shape[1] < 2)):
        return ""
    one = task.kind == "flags" and found.numel() == len(found)
    return "classes" if task.kind == "classes" else "flag" if one else ""


def black_box(source: Tensor, labels: Tensor, target: Tensor) -> Tensor:
    """How many times as common each class is in the target: w in C w = m, where C[i, j] is the share of samples of class j called i in the
    source, and m[i] the share called i in the target; w >= 0 (Lipton et al. 2018, black-box shift estimation).

    source, target: probabilities (samples, classes). labels: classes of the source's samples.
    """
    from scipy.optimize import nnls

    count = source.shape[1]
    called = torch.bincount(source.argmax(1) * count + labels, minlength=count * count).reshape(count, count) / len(labels)
    seen = torch.bincount(target.argmax(1), minlength=count) / len(target)
    return torch.as_tensor(nnls(called.double().numpy(), seen.double().numpy())[0])


def likeliest(source: Tensor, labels: Tensor, target: Tensor) -> Tensor:
    """The same by maximum likelihood: the target's probabilities and priors in turn until they agree (Saerens et al. 2002, EM)."""
    count = source.shape[1]
    before = (torch.bincount(labels, minlength=count).double() / len(labels)).clamp(min=1e-6)
    now, given = before, target.double()
    for _ in range(1000):
        weighed = given * (now / before)
        new = (weighed / weighed.sum(1, keepdim=True)).mean(0)
        done, now = bool((new - now).abs().max() < 1e-7), new
        if done:
            break
    return now / before


def corrected(estimate: Estimate) -> Callable[[Subject], Subject]:
    """The change that weighs each class of the outputs by how much commoner it is in the target split."""

    def change(subject: Subject) -> Subject:
        found, kind = target_of(subject), shares(subject)
        if found is None or not kind:
            return subject
        with in_mode(subject.model, training=False):
            there, _ = _probabilities(subject, [output for output, _ in passed_over(subject, found[1])], kind)
            seen = list(passed_over(subject, known(subject)[1]))  # outputs beside their labels: a source may be shuffled at each reading
        here, plain = _probabilities(subject, [output for output, _ in seen], kind)
        labels = torch.cat([targets[0].reshape(-1).long().cpu() for _, targets in seen])
        labelled = labels >= 0  # what a loss ignores has no class
        weights = estimate(here[labelled], labels[labelled], there).clamp(_LEAST, _MOST)
        subject.model.register_forward_hook(_weighing(weights.float(), kind, plain))
        return subject

    return change


def _probabilities(subject: Subject, outputs: list[Any], kind: str) -> tuple[Tensor, bool]:
    """Probabilities of the classes for each sample, and whether the model gives probabilities itself."""
    found = [scores(output) for output in outputs]
    whole = torch.cat([values.reshape(len(values), -1).float().cpu() for values in found if values is not None])
    within = bool(((whole >= 0) & (whole <= 1)).all())
    plain = within and (kind == "flag" or bool(torch.isclose(whole.sum(1), torch.ones(()), atol=1e-3).all()))
    plain = plain and not isinstance(subject.loss_fn, nn.BCEWithLogitsLoss | nn.CrossEntropyLoss)
    if kind == "flag":
        yes = whole if plain else whole.sigmoid()
        return torch.cat([1 - yes, yes], 1), plain
    return whole if plain else whole.softmax(1), plain


def _weighing(weights: Tensor, kind: str, plain: bool) -> Callable:
    """The hook that multiplies probabilities by the weights, or adds their logarithms to scores."""

    def weighed(found: Tensor) -> Tensor:
        by = weights.to(found.device, found.dtype)
        if kind == "flag":
            odds = by[1] / by[0]
            return found * odds / (found * odds + 1 - found) if plain else found + odds.log()
        return found * by / (found * by).sum(1, keepdim=True) if plain else found + by.log()

    def leaving(module: nn.Module, given: tuple, output: Any) -> Any:
        found = scores(output)
        return mapped(output, lambda tensor: weighed(tensor) if tensor is found else tensor)

    return leaving
