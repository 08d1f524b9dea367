from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.totals import Evaluation
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, on_held_out
from ..small_loops import task


@check(severity=Severity.WARNING)
def train_mode_during_eval(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model is evaluated in training mode.

    Dropout still drops, and batch norm uses the statistics of the evaluated batch and stores them; the numbers that come out are of another
    model than the one that will be used, and the stored statistics have seen the validation data.

    Shows as: validation that is worse, and noisier from call to call, than it should be.
    Proven by: the loop itself: passes over a loader that never trains, with layers in training mode.
    Not this when: the model has no dropout and no batch norm; several passes a batch are taken on purpose (Monte-Carlo dropout); batch norm
    statistics are collected anew over training data; samples are drawn between steps.
    Fails: evaluation on tensors without a DataLoader is not told from such samples.
    See: torch.nn.Module.eval; FSDL, "five most common bugs".
    """
    wrong = [e for e in loop.evaluations if _is_wrong(loop, e)]
    if not wrong or len({e.step for e in loop.evaluations}) > max(1, loop.taken // 2):
        return
    passes = wrong[-1].passes
    model = loop.models[passes.model]
    layers = ((model.facts.dropouts, "dropout"), (model.facts.norms, "batch norm"))
    told = ", ".join(f"{number} {kind}" for number, kind in layers if number)
    facts = (
        Fact("evaluations in training mode", f"{len(wrong)}, of {passes.times} batches each", "0"),
        Fact(f"layers of {model.word} that then do another thing", told, "in evaluation mode"),
    )
    name = model.name or "model"
    code = f"{name}.eval()\n{passes.line.source}\n{name}.train()"
    fix = Fix("Call eval() before the evaluation, and train() after it.", code, edits=changes.in_evaluation_mode(loop, passes, name))
    yield Evidence(Confidence.PROVEN, facts, at(passes.line), fix)


def _is_wrong(loop: TrainingLoop, evaluation: Evaluation) -> bool:
    """Whether a model with layers that differ was evaluated in training mode."""
    knows = loop.models[evaluation.passes.model].facts.knows_modes and evaluation.passes.active != 0
    return evaluation.passes.training and knows and on_held_out(loop, evaluation)


def _program(into: bool) -> Callable[[], None]:
    net, optimizer, batches, held_out = task(nn.BatchNorm1d(24), nn.Dropout(0.2))

    def train() -> None:
        for _ in range(3):
            net.train()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            net.train(not into)
            with torch.no_grad():
                sum((net(x).argmax(1) == y).sum() for x, y in held_out)

    return train


@train_mode_during_eval.bad
def mode_forgotten() -> Callable[[], None]:
    return _program(into=False)


@train_mode_during_eval.good
def into_evaluation_mode() -> Callable[[], None]:
    return _program(into=True)
