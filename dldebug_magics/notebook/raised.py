"""Being told of exceptions before the notebook shows them. Their tracebacks follow unchanged, whatever happens here.

IPython shows an exception with `showtraceback`, or hands it to the handler that the user set with `set_custom_exc`. Both are stood in front
of, in this shell alone, and both are called as they would have been.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

_NAMES = ("showtraceback", "CustomTB", "set_custom_exc")


class Raised:
    """`Raised(shell, tell)`: from `start` to `stop`, `tell(error)` is called once for each exception, before it is shown."""

    def __init__(self, shell: Any, tell: Callable[[Exception], None]):
        self.shell, self.tell = shell, tell
        self.on = self.busy = False
        self.before: dict[str, Any] = {}
        self.ours: dict[str, Any] = {}

    def turn(self, on: bool) -> None:
        """Start or stop."""
        self.start() if on else self.stop()

    def start(self) -> None:
        """Stand in front."""
        if not self.on:
            self.on = True
            for name, stand_in in zip(_NAMES, (self._showing, self._handled, self._setting), strict=True):
                self._put(name, stand_in)

    def stop(self) -> None:
        """Leave. Where somebody else has stood in front of us since, we stay behind them and do nothing."""
        self.on = False
        for name, own in self.ours.items():
            if vars(self.shell).get(name) is own:
                if self.before[name] is None:
                    delattr(self.shell, name)
                else:
                    setattr(self.shell, name, self.before[name])
        self.ours.clear()

    def _put(self, name: str, stand_in: Callable[..., Any]) -> None:
        self.before[name] = vars(self.shell).get(name)
        self.ours[name] = functools.partial(stand_in, getattr(self.shell, name))
        setattr(self.shell, name, self.ours[name])

    def _showing(self, show: Callable[..., Any], *args: Any, **options: Any) -> Any:
        given = args[0] if args else options.get("exc_tuple")
        return self._before((given or sys.exc_info())[1], lambda: show(*args, **options))

    def _handled(self, handle: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self._before(args[1], lambda: handle(*args, **options))

    def _setting(self, set_handler: Callable[..., Any], *args: Any, **options: Any) -> None:
        set_handler(*args, **options)
        if self.on:
            self._put("CustomTB", self._handled)

    def _before(self, error: BaseException | None, show: Callable[[], Any]) -> Any:
        """Tell, then show. The user's handler may well show the traceback in its turn: an exception is told of once."""
        if not self.on or self.busy or not isinstance(error, Exception):
            return show()
        self.busy = True
        try:
            self._tell(error)
            return show()
        finally:
            self.busy = False

    def _tell(self, error: Exception) -> None:
        try:
            self.tell(error)
        except BaseException as failure:  # also the stop button: it ends the explanation, and the user's traceback follows
            print(f"dldebug: no explanation ({type(failure).__name__}: {failure}). The exception itself follows.", file=sys.stderr)
