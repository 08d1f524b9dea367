from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.compared import Compared
from ...observations.training_loop import TrainingLoop, metric_changes
from ...observations.training_loop.reading import at
from ...observations.training_loop.scoring import over_samples, sizes, threshold_of_a_probability, widened
from ..small_loops import task


@check(severity=Severity.WARNING)
def metric_loss_disagree(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop's own metric says something else than the loss: it takes the wrong predictions, or holds them against the wrong labels.

    A maximum over the batch, `[N, 1]` predictions against `[N]` labels, or logits against 0.5: the number does not show what is learnt.

    Shows as: a loss that falls while the accuracy stands at chance, or is never as good as it should be; or a size that does not match.
    Proven by: the shapes and the axis of the user's own calls, and what the usual choice gives for the same outputs. A threshold is likely.
    Not this when: the maximum is taken both ways (a table of pairs); an axis was added on purpose; the outputs are probabilities.
    Fails: metrics in numpy or another library, and outputs that were reshaped before the choice, are not seen.
    See: FSDL, "single-number evaluation"; torch.argmax; torch.nn.BCEWithLogitsLoss, whose logits mean 0.5 at 0.
    """
    if (seen := over_samples(loop)) is not None:
        yield _over_samples(seen)
    elif (seen := widened(loop)) is not None:
        met = f"{sizes(seen.left)} and {sizes(seen.right)}"
        facts = (Fact(f"shapes that meet in `{seen.function}`", met, "the same shape"), Fact("what comes out", sizes(seen.result or ())))
        fix = Fix("Give both the same shape before they are compared.", "prediction = prediction.reshape(target.shape)")
        yield Evidence(Confidence.PROVEN, facts, at(seen.line), fix)
    elif (seen := threshold_of_a_probability(loop)) is not None:
        facts = (
            Fact("outputs that are held against 0.5", f"{seen.choice.low:.3g} to {seen.choice.high:.3g}", "probabilities, 0 to 1"),
            Fact("share of labels that agree", f"{seen.agreed:.3g}", f"{seen.meant:.3g}, with a threshold of 0"),
        )
        edits = metric_changes.at_even_odds(seen.choice.line)
        fix = Fix("The loss takes these outputs for logits: they say yes above 0.", "prediction = output > 0", edits=edits)
        yield Evidence(Confidence.LIKELY, facts, at(seen.choice.line), fix)


def _over_samples(seen: Compared) -> Evidence:
    over = "all entries at once" if seen.choice.axis is None else f"axis {seen.choice.axis}, the batch"
    facts = [Fact(f"the maximum of outputs of {sizes(seen.choice.shape)} is taken over", over, "axis 1, the classes")]
    if seen.result is not None:
        facts.append(Fact("share of labels that agree", f"{seen.agreed:.3g}", f"{seen.meant:.3g}, over the classes"))
    fix = Fix("Take the maximum over the classes.", "output.argmax(dim=1)", edits=metric_changes.over_the_classes(seen.choice.line))
    return Evidence(Confidence.PROVEN, tuple(facts), at(seen.choice.line), fix)


def _program(axis: int) -> Callable[[], None]:
    net, optimizer, batches, held_out = task(batch=4)

    def train() -> None:
        for _ in range(2):
            hits = 0
            for x, y in batches:
                optimizer.zero_grad()
                output = net(x)
                nn.functional.cross_entropy(output, y).backward()
                optimizer.step()
                hits += (output.argmax(axis) == y).sum().item()
        with torch.no_grad():
            sum(nn.functional.cross_entropy(net(x), y, reduction="sum").item() for x, y in held_out)

    return train


@metric_loss_disagree.bad
def over_the_batch() -> Callable[[], None]:
    return _program(axis=0)


@metric_loss_disagree.good
def over_the_classes() -> Callable[[], None]:
    return _program(axis=1)
