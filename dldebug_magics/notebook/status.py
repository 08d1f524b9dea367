"""`%dldebug status`: all that dldebug has put into this notebook, its settings, and the versions that it runs on.

What stands in IPython is looked up there and not remembered: a hook that somebody took away is not listed, one that was left behind is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..document import Block, Heading, Table, Text

if TYPE_CHECKING:
    from .magics import DLDebugMagics

_OURS = "dldebug"


def status(magics: DLDebugMagics) -> tuple[Block, ...]:
    """The page."""
    rows = [*hooks(magics.shell)]
    settings = [[name, repr(getattr(magics, name)), trait.help] for name, trait in sorted(magics.traits(config=True).items())]
    versions = [[name, str(getattr(sys.modules[name], "__version__", "?"))] for name in _runs_on() if name in sys.modules]
    return (
        Heading("dldebug status"),
        Text(_sentence(rows), strong=True),
        *([Table("hooks and handlers", ("where", "what"), rows)] if rows else []),
        Table("settings: %config DLDebugMagics.NAME = VALUE", ("name", "value", "meaning"), settings),
        Table("versions", ("package", "version"), versions),
    )


def hooks(shell: Any) -> Iterator[list[str]]:
    """(where, what) of every hook and handler of ours, in IPython and in torch."""
    for name in ("showtraceback", "CustomTB", "set_custom_exc"):
        if _is_ours(vars(shell).get(name)):
            yield [f"IPython: {name}", "explains errors of a model before their traceback (%config DLDebugMagics.explain_errors)"]
    for event, callbacks in shell.events.callbacks.items():
        yield from ([f"IPython: after each cell ({event})", _told(callback)] for callback in callbacks if _is_ours(callback))
    for place, table in _tables():
        yield from ([f"torch: {place}", _told(hook)] for hook in list(table.values()) if _is_ours(hook))


def _tables() -> Iterator[tuple[str, dict[Any, Any]]]:
    """torch's tables of hooks that hold for all modules and optimizers, where torch is imported."""
    for owner in ("torch.nn.modules.module", "torch.optim.optimizer"):
        for name, table in vars(sys.modules.get(owner, object)).items():
            if name.startswith("_global_") and "hook" in name and isinstance(table, dict):
                yield name.removeprefix("_global_").replace("_", " "), table


def _is_ours(thing: Any) -> bool:
    """Whether a function, a bound method or a partial of one was defined in this package."""
    function = getattr(thing, "func", thing)
    return str(getattr(function, "__module__", "")).partition(".")[0].startswith(_OURS)


def _told(hook: Any) -> str:
    function = getattr(hook, "func", hook)
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"


def _sentence(rows: list[list[str]]) -> str:
    return "No hook or handler is installed." if not rows else f"{len(rows)} hooks and handlers are installed."


def _runs_on() -> tuple[str, ...]:
    return ("dldebug_magics", "torch", "IPython", "ipykernel", "ipywidgets", "numpy", "matplotlib")
