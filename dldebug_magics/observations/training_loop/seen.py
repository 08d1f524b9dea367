"""From the record of a watch to the observation: frozen, plain, and with nothing of the user's in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...instruments.source_lines import Line, raising_line
from ...instruments.watch.cast import Cast
from ...instruments.watch.compared import Scored
from ...instruments.watch.log import Log
from ...instruments.watch.looks import Looks
from . import TrainingLoop
from .players import Ended, Player

_MOST = 5000


def seen(log: Log, error: BaseException | None = None, most: int = _MOST) -> TrainingLoop:
    """What the log holds, and the exception that ended the loop, if one did. most: losses and rates that are told."""
    return TrainingLoop(
        steps=tuple(log.kept),
        tail=tuple(log.events),
        taken=log.steps,
        **_counted(log),
        models=_players(log.models),
        optimizers=_players(log.optimizers),
        schedulers=_players(log.schedulers),
        loaders=_players(log.loaders),
        scalers=_players(log.scalers),
        losses=_thinned(log.losses, most),
        rates=_thinned(log.rates, most),
        moved=log.moved,
        **_looked_at(log.looks),
        waited=log.waited,
        seconds=log.seconds,
        data=log.data.seen(),
        blind=log.failed,
        crash=_ended(error),
    )


def _counted(log: Log) -> dict[str, Any]:
    """What was counted in the whole run."""
    totals, loaders = log.totals, range(len(log.loaders.parts))
    return {
        "orders": tuple(log.orders.most_common()),
        "tallies": tuple((number, tuple(tally.items())) for number, tally in totals.of_optimizers.items()),
        "trained": frozenset(pair for pair, holds in totals.pairs.items() if holds),
        "evaluations": tuple(totals.evaluations),
        "makings": tuple(totals.makings),
        "scheduled": tuple(totals.of_schedulers[number] for number in range(len(log.schedulers.parts))),
        "begun": tuple(totals.begun[number] for number in loaders),
        "fed": tuple(totals.fed[number] for number in loaders),
        "asked": totals.asked,
        "dropped": tuple(totals.dropped.values()),
    }


def _looked_at(looks: Looks) -> dict[str, Any]:
    return {
        "moments": tuple(looks.moments.rows),
        "births": looks.births(),
        "spoilt": looks.spoilt,
        "holders": tuple(looks.holders),
        "scored": Scored(tuple(looks.scores.compared), tuple(looks.scores.counted)),
        "census": tuple((number, tuple(weights)) for number, weights in looks.census.of.items()),
        "strangers": tuple(looks.census.strangers.items()),
    }


def _players(cast: Cast) -> tuple[Player, ...]:
    return tuple(Player(part.name, part.facts) for part in cast.parts)


def _thinned(values: Sequence[float], most: int) -> tuple[float, ...]:
    """At most so many values, evenly spread; the last is among them."""
    if len(values) <= most:
        return tuple(values)
    return tuple(values[(i + 1) * len(values) // most - 1] for i in range(most))


def _ended(error: BaseException | None) -> Ended | None:
    if error is None or isinstance(error, KeyboardInterrupt):
        return None
    said = next(iter(str(error).splitlines()), "")
    return Ended(type(error).__name__, said, Line(raising_line(error)))
