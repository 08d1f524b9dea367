"""Learning rates to try, and longer training: the same for every term, because a badly tuned run hides what it is worth."""

from __future__ import annotations

from collections.abc import Iterator

from ..cures import learning_rate
from ..engine.default_optimizer import with_optimizer
from ..engine.remedy import Change, NotPiloted
from ..engine.subject import Subject
from .fitting import fitting

_RISK = "the best of several tries is a little lucky: judge it on a split that did not choose it"


def rates(subject: Subject, factors: tuple[float, ...], longer: bool) -> Iterator[Change | NotPiloted]:
    """A change for each factor of the learning rate, and one that trains twice as long."""
    optimizer = subject.name("optimizer")
    rate = max((float(group["lr"]) for group in with_optimizer(subject).optimizer.param_groups if "lr" in group), default=0.0)
    found = [
        Change(
            f"learning rate {_times(factor)} ({rate * factor:.2g})",
            f'for group in {optimizer}.param_groups:\n    group["lr"] *= {factor:.3g}',
            before=learning_rate.times(factor),
            risk="a rate that is too high diverges" if factor > 1 else _RISK,
        )
        for factor in (factors if rate else ())
    ]
    if longer:
        code = f"# twice as many passes over {subject.name('train')}; stop where its loss falls no more"
        found.append(Change("training twice as long", code, times=2.0, risk="more variance, where train falls and train-val does not"))
    yield from fitting(subject, *([change] for change in found), why=f"`{optimizer}` has no learning rate")


def _times(factor: float) -> str:
    """A factor as people say it.

    >>> _times(3.0), _times(1 / 3)
    ('x3', '/3')
    """
    return f"x{factor:g}" if factor >= 1 else f"/{1 / factor:g}"
