"""One who follows a watched loop while it runs is told of each step and each forward pass that is noted, in the loop's own thread."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from .events import Event, Forward
from .log import Log
from .wrapped import wrapped

Follower = Callable[[bool], None]  # told whether what goes on is evaluation


@contextlib.contextmanager
def following(log: Log, follower: Follower) -> Iterator[None]:
    """Entered behind all doors, so that what is told of has been noted. An exception of the follower's is its own."""

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        if log.hears():
            follower(False)

    def noting(plain: Callable[[Event], None]) -> Callable[[Event], None]:
        def note(event: Event) -> None:
            plain(event)
            if type(event) is Forward:
                follower(not event.grad or (log.totals.usual_mode and not event.training))

        return note

    hook = register_optimizer_step_post_hook(after)
    try:
        with wrapped(log, "note", noting):
            yield
    finally:
        hook.remove()
