"""A loop that is asked about while it runs, as a notebook does that shows it live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dldebug_magics.ask import Watch

ENOUGH, EVERY = 24, 7  # steps


def asked_on_the_way(train: Callable[[], Any], ask: Callable[[Watch], Any]) -> Watch:
    """The watch of a loop during which `ask(watch)` is called behind every few steps."""

    def follower(evaluating: bool) -> None:
        if not evaluating and watch.log.steps >= ENOUGH and watch.log.steps % EVERY == 0:
            ask(watch)

    watch = Watch(follower)
    with watch:
        train()
    return watch
