"""The stop button while things are being put back: held until they are, then obeyed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


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
