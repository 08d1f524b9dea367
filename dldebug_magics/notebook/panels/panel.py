"""A panel: a box of widgets below a result. What it shows goes through values, so that it stays in its cell whichever thread sets them.

Every callback is wrapped: what it raises, ours or the user's, stands in the status line. `freeze` puts static HTML in its place.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from ...engine.errors import UserMistake
from ..blame import is_theirs
from . import look

_VIEW = "application/vnd.jupyter.widget-view+json"
_NOT_SAVED = "Frozen. The page was loaded again since this was opened: run its cell anew to have a result that is saved."
_LIVES = "Interactive while the kernel lives. The result above stays as it is."


class Panel:
    """`put` fills it; `button` and `watched` connect a widget with a function; `say` writes the status line."""

    def __init__(self, title: str):
        import ipywidgets

        self.made: Any = ipywidgets
        self.title, self.closed, self.drawing = title, False, threading.RLock()
        self.handle: Any = None
        self.execution = 0
        self.recorded: Callable[[], Any] = lambda: None  # called when the notebook has got an answer, by whichever cell
        self.status, self.body = ipywidgets.HTML(), ipywidgets.VBox()
        foot = ipywidgets.HBox([self.button("Freeze to static", self.freeze), ipywidgets.HTML(look.line(_LIVES))])
        self.root = ipywidgets.VBox([ipywidgets.HTML(look.heading(title)), self.body, self.status, foot])

    def __repr__(self) -> str:
        return f"<{self.title}{', closed' if self.closed else ''}>"

    def put(self, *parts: Any) -> None:
        """What stands in the panel between its title and the status line."""
        self.fill(self.body, parts)

    def fill(self, box: Any, parts: Any) -> None:
        """Give a box other children; those that it had and has no more are closed."""
        gone = [child for child in box.children if child not in parts]
        box.children = tuple(parts)
        for child in gone:
            _close(child)

    def text(self, inner: str = "") -> Any:
        """A place for HTML."""
        return self.made.HTML(inner)

    def button(self, label: str, act: Callable[[], Any], **options: Any) -> Any:
        """A button, as wide as its label, that does something when it is pressed."""
        button = self.made.Button(description=label, layout=self.made.Layout(width="auto"), **options)
        button.on_click(self.guarded(act))
        return button

    def watched(self, widget: Any, act: Callable[[], Any]) -> Any:
        """A control that does something when its value has changed. What it does must be quick: it draws what is known already."""

        def alone() -> None:
            with self.drawing:
                act()

        widget.observe(self.guarded(alone), "value")
        return widget

    def guarded(self, act: Callable[[], Any]) -> Callable[..., None]:
        """A callback that loses nothing: what it raises is told in the status line."""

        def called(*_: Any) -> None:
            try:
                act()
            except Exception as error:
                self.tell(error)

        return called

    def say(self, text: str) -> None:
        """One line on how things are."""
        self.status.value = look.line(text, "status")

    def tell(self, error: BaseException) -> None:
        """One line on what went wrong, and whose it is; the traceback is folded below."""
        if isinstance(error, UserMistake):
            self.say(f"FAIL: {error}")
            return
        whose = "your data or your model raised" if is_theirs(error.__traceback__) else "a defect of dldebug, please report it:"
        first = next(iter(str(error).splitlines()), "")
        whole = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.status.value = look.folded(f"FAIL: {whose} {type(error).__name__}: {first}", "the traceback", whole)

    def show(self) -> None:
        """Display it: an output of its own, which can be replaced later. Old widgets display themselves without a handle."""
        from IPython.display import DisplayHandle

        view = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
        self.handle = DisplayHandle()
        self.handle.display({"text/plain": f"{self.title}. {_LIVES}", _VIEW: view}, raw=True)

    def freeze(self) -> None:
        """Replace the live panel by what it shows now, as static HTML that a saved notebook keeps.

        Where the page was loaded again since, the notebook knows its outputs no more by name: then the widget itself shows the HTML.
        """
        if self.closed:
            return
        self.closed = True
        shown = look.still(self.root.children[0]) + look.line("; ".join(look.settings(self.root))) + look.still(self.body)
        static = f'<section class="dldebug">{shown}{self.status.value}</section>'
        if self.handle is not None:
            self.handle.update({"text/html": static, "text/plain": f"{self.title}, frozen"}, raw=True)
        self.fill(self.root, [self.text(static), self.text(look.line(_NOT_SAVED, "status"))])

    def close(self) -> None:
        """Close every widget of it."""
        self.closed = True
        _close(self.root)


def _close(widget: Any) -> None:
    """Close a widget and all that it is made of; each has a life of its own in the registry."""
    for part in {id(one): one for one in _parts(widget)}.values():
        part.close()


def _parts(widget: Any) -> Iterator[Any]:
    from ipywidgets import Widget

    for name in widget.keys:
        held = getattr(widget, name, None)
        for one in held if isinstance(held, (tuple, list)) else (held,):
            if isinstance(one, Widget):
                yield from _parts(one)
    yield widget
