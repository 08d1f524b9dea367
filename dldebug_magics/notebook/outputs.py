"""Where the outputs of a running cell go: whether one can be followed there, and whether the cell has cleared what it showed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


def goes_below_the_cell(shell: Any) -> bool:
    """Whether what is displayed now is shown below the cell: `%%capture` keeps it in a variable, a widget shows it elsewhere."""
    if not hasattr(shell.display_pub, "register_hook"):
        return False
    widgets = sys.modules.get("ipywidgets")
    if widgets is None:
        return True
    alive = getattr(widgets.widgets.widget, "_instances", None)
    known = widgets.Widget.widgets if alive is None else alive  # before ipywidgets 8
    return not any(isinstance(widget, widgets.Output) and widget.msg_id for widget in list(known.values()))


@contextlib.contextmanager
def told_of_clearing(shell: Any, cleared: Callable[[], None]) -> Iterator[None]:
    """Within the block `cleared` is called whenever the cell clears its output; without a kernel it never is.

    Old kernels pass no hook of their publisher when they clear: the method itself is stood in for, and put back at the end.
    """
    publisher = shell.display_pub
    plain, own = publisher.clear_output, vars(publisher).get("clear_output")

    def clear_output(*args: Any, **kwargs: Any) -> Any:
        cleared()
        return plain(*args, **kwargs)

    if not hasattr(publisher, "register_hook"):
        yield
        return
    publisher.clear_output = clear_output
    try:
        yield
    finally:
        if own is None:
            del publisher.clear_output
        else:
            publisher.clear_output = own
