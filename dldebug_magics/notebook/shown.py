"""What a magic has drawn itself must not be printed a second time as the value of the cell.

IPython prints whatever a cell ends with, on every version in use, and has no switch for one value. So for the rest of the cell, and no
longer, a formatter stands in for the type of that value and shows nothing for what is already on the screen.
"""

from __future__ import annotations

from typing import Any


class Shown:
    """Values on the screen in the running cell."""

    def __init__(self, shell: Any):
        self.shell = shell
        self.values: list[Any] = []
        self.enabled_before = True  # an old terminal has this kind of formatter switched off

    def remember(self, value: Any) -> None:
        """Print this value no more until the cell has ended."""
        formatter = self.shell.display_formatter.ipython_display_formatter
        formatter.for_type(type(value), self._print)
        if not self.values:
            self.enabled_before, formatter.enabled = formatter.enabled, True
            self.shell.events.register("post_execute", self.forget)
        self.values.append(value)

    def holds(self, value: Any) -> bool:
        """Whether this value is not to be printed."""
        return any(value is shown for shown in self.values)

    def forget(self) -> None:
        """The cell has ended: everything prints as it always did."""
        if not self.values:
            return
        formatter = self.shell.display_formatter.ipython_display_formatter
        for kind in {type(value) for value in self.values}:
            formatter.pop(kind, None)
        formatter.enabled = self.enabled_before
        self.values.clear()
        self.shell.events.unregister("post_execute", self.forget)

    def _print(self, value: Any) -> None:
        from IPython.display import display

        from .progress import bundle

        if not self.holds(value):
            display(bundle(value), raw=True)
