from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Wrap
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.totals import Evaluation
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, on_held_out
from ..small_loops import task


@check(severity=Severity.WARNING)
def missing_no_grad_eval(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model is evaluated with gradients on.

    Each pass keeps all that a backward pass would need, which never comes. It costs time and memory, and where the outputs or losses are
    collected, all of it piles up over the validation set.

    Shows as: a slow validation, or an out-of-memory error there, though training fits.
    Proven by: passes over a loader that never trains, with a graph behind their outputs and no backward pass for them.
    Not this when: gradients are asked for by `torch.autograd.grad`, or for the inputs.
    Fails: evaluation on tensors without a DataLoader is not told from passes that have a use for the graph.
    See: torch.no_grad; torch.inference_mode; FSDL, "out of memory", often at evaluation.
    """
    wrong = [e for e in loop.evaluations if on_held_out(loop, e) and _keeps_a_graph(loop, e)]
    if not wrong or loop.asked or len({e.step for e in wrong}) > max(1, loop.taken // 2):
        return
    passes = wrong[-1].passes
    model = loop.models[passes.model]
    facts = (
        Fact("evaluations with a graph behind each output", f"{len(wrong)}, of {passes.times} batches each", "0"),
        Fact("backward passes for them", "0", ""),
    )
    head = "with torch.no_grad():"
    edit = Either((Wrap(passes.line.spot, head, around="loop"), Wrap(passes.line.spot, head)))
    fix = Fix("Evaluate without gradients.", f"{model.name or 'model'}.eval()\n{head}\n    {passes.line.source}", edits=(edit,))
    yield Evidence(Confidence.LIKELY, facts, at(passes.line), fix)


def _keeps_a_graph(loop: TrainingLoop, evaluation: Evaluation) -> bool:
    """Whether gradients were recorded, in a pass that is meant to evaluate: in evaluation mode, or of a model for which modes are one."""
    passes = evaluation.passes
    meant = not passes.training or not loop.models[passes.model].facts.knows_modes
    return passes.grad and passes.tracked and not passes.leaf_inputs and meant


def _program(gradients: bool) -> Callable[[], None]:
    net, optimizer, batches, held_out = task(nn.Dropout(0.2))

    def train() -> None:
        for _ in range(3):
            net.train()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            net.eval()
            with torch.set_grad_enabled(gradients):
                sum(nn.functional.cross_entropy(net(x), y).item() for x, y in held_out)

    return train


@missing_no_grad_eval.bad
def with_gradients() -> Callable[[], None]:
    return _program(gradients=True)


@missing_no_grad_eval.good
def without_gradients() -> Callable[[], None]:
    return _program(gradients=False)
