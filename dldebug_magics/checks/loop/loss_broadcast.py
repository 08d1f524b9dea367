from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.edits import Either, Enclose, Part
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_PASSES = 3


@check(severity=Severity.ERROR)
def loss_broadcast(loop: TrainingLoop) -> Iterator[Evidence]:
    """Output and target have different shapes that broadcast against each other in the loss.

    `[N, 1]` minus `[N]` is an N x N table: every output is held against every target, and the best answer is the mean of all targets.

    Shows as: a plateau at the variance of the targets, exactly.
    Proven by: the shapes of what the loss is made of in every pass: N numbers, N others, and N x N differences.
    Not this when: both have equally many axes (a table of pairs on purpose); no gradient goes through it, as in an accuracy.
    Fails: broadcasts inside the model are looked at by `%overfit_batch`.
    See: FSDL, "the five most common bugs", first: "incorrect shapes for your tensors"; torch's warning in `mse_loss`.
    """
    passes = [e for e in loop.of(Backward) if e.terms]
    seen = [e.broadcast for e in passes if e.broadcast is not None]
    if len(seen) < _PASSES or len({broadcast.line for broadcast in seen}) > 1 or len(seen) < 0.4 * len(passes):
        return
    last = seen[-1]
    left, right, result = (f"[{', '.join(map(str, shape))}]" for shape in (last.left, last.right, last.result))
    facts = (Fact(f"shapes that meet in `{last.function}`", f"{left} and {right}", "the same shape"), Fact("what comes out", result, left))
    short = 1 if last.left == (*last.right, 1) else 0 if last.right == (*last.left, 1) else -1
    parts = [Part(word, short) for word in (last.function, "(,)", "-")]
    edits = (Either(tuple(Enclose(last.line.spot, part, "{}.unsqueeze(-1)") for part in parts)),) if short >= 0 else ()
    fix = Fix("Give both the same shape before the loss.", "loss = loss_fn(output, target.reshape(output.shape))", edits=edits)
    yield Evidence(Confidence.PROVEN, facts, at(last.line), fix)


def _program(flat: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                wanted = y.float() / 4 if flat else y.float()[:, None] / 4
                loss = ((net(x)[:, :1] - wanted) ** 2).mean()
                loss.backward()
                optimizer.step()

    return train


@loss_broadcast.bad
def flat_target() -> Callable[[], None]:
    return _program(flat=True)


@loss_broadcast.good
def column_target() -> Callable[[], None]:
    return _program(flat=False)


@loss_broadcast.good
def pairs_on_purpose() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for x, y in batches:
            optimizer.zero_grad()
            apart = (net(x)[:, None, :] - net(x).detach()[None, :, :]).square().sum(2)
            nn.functional.hinge_embedding_loss(apart, 2.0 * (y[:, None] == y[None, :]) - 1).backward()
            optimizer.step()

    return train
