from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_PASSES = 3


@check(severity=Severity.WARNING)
def loss_term_without_gradient(loop: TrainingLoop) -> Iterator[Evidence]:
    """A term of the loss comes from the model and gives it no gradient: it is added up, and nobody minimises it.

    `argmax`, comparisons, rounding and `.item()` give numbers without a slope. An accuracy or a count in the sum moves with the weights,
    but no step is taken because of it.

    Shows as: a loss with a part that never falls, or falls only by the way.
    Proven by: the terms in every pass: one that was computed from the output, is another each time, and has no graph.
    Not this when: the gradient is stopped on purpose with `detach` or `no_grad`; the term is constant.
    Fails: terms added up in another way than by + and - (a stack that is summed) are not told apart.
    See: FSDL, "overfit a single batch", error plateaus: "gradients not flowing through the whole model".
    """
    passes = [e for e in loop.of(Backward) if e.terms]
    lines = {e.line for e in passes if e.idle}
    passes = [e for e in passes if e.line in lines]
    idle = [e.idle[0] for e in passes if e.idle]
    values = {term.value for term in idle}
    if len(idle) < _PASSES or len(idle) < 0.9 * len(passes) or len(values) < 2:
        return
    facts = (
        Fact("value of the term, smallest and largest", f"{min(values):.4g} and {max(values):.4g}"),
        Fact("its graph", "none", "the operations of the model"),
        Fact("what it has no slope through", idle[-1].cut),
    )
    fix = Fix(f"Put something with a slope in the place of `{idle[-1].cut}`, such as a probability, or take the term out of the loss.")
    yield Evidence(Confidence.PROVEN, facts, at(idle[-1].line), fix)


def _program(second: Callable[[Tensor, Tensor], Tensor | float]) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                output = net(x)
                loss = nn.functional.cross_entropy(output, y) + 0.1 * second(output, y)
                loss.backward()
                optimizer.step()

    return train


@loss_term_without_gradient.bad
def adds_the_error_rate() -> Callable[[], None]:
    return _program(lambda output, y: (output.argmax(1) != y).float().mean())


@loss_term_without_gradient.good
def adds_the_expected_error_rate() -> Callable[[], None]:
    return _program(lambda output, y: 1 - output.softmax(1).gather(1, y[:, None]).mean())


@loss_term_without_gradient.good
def stops_the_gradient_on_purpose() -> Callable[[], None]:
    return _program(lambda output, y: output.softmax(1).square().sum(1).mean().detach())
