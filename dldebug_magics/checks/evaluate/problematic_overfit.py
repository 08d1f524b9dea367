from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.rising import Rise
from ..small_splits import evaluated


@check(severity=Severity.WARNING)
def problematic_overfit(seen: BiasVariance) -> Iterator[Evidence]:
    """The model was better in the middle of its training: the validation loss has risen since then, and the training loss fallen.

    What it learnt since then holds for the training set alone. The weights of the best epoch are better than those of the last.

    Shows as: a validation curve with a valley, and behind it a training curve that falls on.
    Proven by: a trend upwards behind the lowest point (Kendall's test on blocks of epochs), and a level at the end far above that point.
    Not this when: answers stay as good, and the wrong ones grow surer: without a gap of the error it is a note. A curve that comes down.
    Fails: a rise within few epochs that then stays level, and fewer than five epochs behind the lowest, are not told from luck.
    See: Godbole et al., "Deep Learning Tuning Playbook": problematic overfitting; FSDL, "addressing over-fitting".
    """
    rise = seen.rise
    if rise is not None and rise.is_real and rise.worth:
        yield Evidence(
            Confidence.LIKELY if rise.train else Confidence.HINT,
            facts=tuple(_facts(rise)),
            where=f"epoch {rise.epoch:g}",
            fix=Fix(f"Take the weights of about epoch {rise.epoch:g}, or better regularise, augment or get more data, and train again."),
            always=True,
            refuted_by="Another seed whose validation loss does not rise.",
            severity=Severity.WARNING if rise.worth == "much" and _shows(seen) else Severity.NOTE,
        )


def _shows(seen: BiasVariance) -> bool:
    """Whether unseen data have a higher error than train, beyond chance; or nobody knows."""
    step = next((term for term in seen.terms if term.below == "train"), None)
    return step is None or bool(seen.matters(step) and step.interval.above_zero)


def _facts(rise: Rise) -> Iterator[Fact]:
    yield Fact(f"validation loss around epoch {rise.epoch:g}, its lowest", f"{rise.best:.3g}", "that of the last epochs")
    yield Fact(f"validation loss in the last of {rise.epochs} epochs", f"{rise.last:.3g}, {100 * rise.size:.0f} % of which came since then")
    yield Fact("rise by its trend", f"{rise.trend:.2g}, 95 % interval {rise.interval.low:.2g} to {rise.interval.high:.2g}", "0 or less")
    if rise.train:
        yield Fact("training loss meanwhile", f"from {rise.train[0]:.3g} to {rise.train[1]:.3g}")


def _program(val: Sequence[float]) -> Subject:
    noise = [0.01 * (7 * epoch % 5 - 2) for epoch in range(len(val))]
    pairs = [(2.0 / (epoch + 1), loss + off) for epoch, (loss, off) in enumerate(zip(val, noise, strict=True))]
    return dataclasses.replace(evaluated(human=0.01, train=10, val=60), history=pairs)


@problematic_overfit.bad
def rises_for_twenty_epochs() -> Subject:
    return _program([max(2.0 - 0.15 * epoch, 0.5 + 0.03 * (epoch - 10)) for epoch in range(30)])


@problematic_overfit.good
def stays_where_it_is() -> Subject:
    return _program([max(2.0 - 0.15 * epoch, 0.5) for epoch in range(30)])


@problematic_overfit.good
def rises_and_comes_down_again() -> Subject:
    return _program([max(2.0 - 0.15 * epoch, 0.5 + 0.03 * min(epoch - 10, 30 - epoch)) for epoch in range(30)])
