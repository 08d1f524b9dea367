from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.totals import Evaluation
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, on_held_out
from ..small_loops import task

_SEVERITY = {True: Severity.WARNING, False: Severity.NOTE}
_PILED = 4  # graphs alive at a time: the one of a pass, and what variables still hold of the one before, are fewer


@check(severity=Severity.WARNING)
def missing_no_grad_eval(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model is evaluated with gradients on.

    Each pass keeps all that a backward pass would need, which never comes. Where outputs or losses are collected, all of it piles up over
    the validation set, and that is the warning; where each is let go again it costs some time and the memory of one pass, and is a note.

    Shows as: a slow validation, or an out-of-memory error there, though training fits.
    Proven by: the number of graphs alive at a time, behind outputs over a loader that never trains; one at a time is a note.
    Not this when: gradients are asked for by `torch.autograd.grad`, or for the inputs.
    Fails: evaluation on tensors without a DataLoader is not told from passes that have a use for the graph.
    See: torch.no_grad; torch.inference_mode; FSDL, "out of memory", often at evaluation.
    """
    wrong = [e for e in loop.evaluations if on_held_out(loop, e) and _keeps_a_graph(loop, e)]
    if not wrong or loop.asked or len({e.step for e in wrong}) > max(1, loop.taken // 2):
        return
    worst = max(wrong, key=lambda e: e.graphs)
    passes = worst.passes
    facts = (
        Fact("evaluations with a graph behind each output", f"{len(wrong)}, of {passes.times} batches each", "0"),
        Fact("graphs alive at a time", f"{worst.graphs}", "0"),
    )
    code, edits = changes.without_gradients(passes.line, loop.models[passes.model].name)
    fix = Fix("Evaluate without gradients.", code, edits=edits)
    piled = worst.graphs >= max(_PILED, 0.5 * passes.times)
    yield Evidence(Confidence.PROVEN if piled else Confidence.LIKELY, facts, at(passes.line), fix, severity=_SEVERITY[piled])


def _keeps_a_graph(loop: TrainingLoop, evaluation: Evaluation) -> bool:
    """Whether gradients were recorded, in a pass that is meant to evaluate: in evaluation mode, or of a model for which modes are one."""
    passes = evaluation.passes
    meant = not passes.training or not loop.models[passes.model].facts.knows_modes
    return passes.grad and passes.tracked and not passes.leaf_inputs and meant


def _program(gradients: bool) -> Callable[[], None]:
    net, optimizer, batches, val = task(nn.Dropout(0.2))
    held_out = DataLoader(val.dataset, batch_size=8)

    def train() -> None:
        for _ in range(3):
            net.train()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            net.eval()
            with torch.set_grad_enabled(gradients):
                sum([nn.functional.cross_entropy(net(x), y) for x, y in held_out])

    return train


@missing_no_grad_eval.bad
def with_gradients() -> Callable[[], None]:
    return _program(gradients=True)


@missing_no_grad_eval.good
def without_gradients() -> Callable[[], None]:
    return _program(gradients=False)
