"""The stop button while things are being put back: held until they are, then obeyed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


@contextlib.contextmanager
def held_at_exit() -> Iterator[contextlib.ExitStack]:
    """A stack whose contexts are left with the stop button held: a second press can't cut the clean-up short.

    Only the main thread hears the button; elsewhere, or where the button is not Python's to hold, this is a plain stack.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        with contextlib.ExitStack() as stack:
            yield stack
        return
    pressed: list[Any] = []
    with contextlib.ExitStack() as outer:
        outer.callback(_obey, pressed, before)
        with contextlib.ExitStack() as stack, contextlib.ExitStack() as inner:
            inner.callback(signal.signal, signal.SIGINT, lambda *press: pressed.append(press))
            yield stack


def _obey(pressed: list[Any], before: Any) -> None:
    """The button works as before again; a press that was held counts now."""
    signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)


def relayed(source: Generator[A, None, None], change: Callable[[A], B]) -> Generator[B, None, B | None]:
    """`map` for a generator that is told of the stop button: a press that is thrown in reaches the source, which has one more to yield.

    Returns the last value.
    """
    last: B | None = None
    try:
        for value in source:
            last = change(value)
            try:
                yield last
            except KeyboardInterrupt as press:
                yield change(source.throw(press))
                raise
    finally:
        source.close()
    return last
