"""dldebug tells why a PyTorch model doesn't learn, proves it, and hands over the changed line.

In a notebook: `%load_ext dldebug`, then `%overfit_batch`. From Python: `dldebug.overfit_batch(model, loss_fn, optimizer, train_loader)`.
This is the door. Every name is fetched when it is first used: importing the package imports neither torch nor IPython.
"""

from __future__ import annotations

import collections
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .ask import Watch
    from .engine.errors import UserMistake
    from .engine.report import Report
    from .engine.subject import Subject
    from .notebook.page import Page

__version__ = "0.1.0"
__all__ = [
    "Report",
    "Subject",
    "UserMistake",
    "__version__",
    "explain",
    "explain_error",
    "load_ipython_extension",
    "unload_ipython_extension",
    "watch",
]

_HOMES = {"Report": "engine.report", "Subject": "engine.subject", "UserMistake": "engine.errors"}
_BUDGET = 60.0


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext dldebug` calls."""
    from .notebook.loading import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext dldebug` calls."""
    from .notebook.loading import unload_ipython_extension as unload

    unload(shell)


def explain(name: str) -> Page:
    """The page of a check, as text and as HTML."""
    from .notebook.page import Page
    from .reference import page

    return Page(page(name))


def watch(function: Callable[[], Any] | None = None, *, prove: bool = False, budget: float = 30.0) -> Watch | Report:
    """Watch code that trains: `with dldebug.watch() as report: train()`, or `report = dldebug.watch(train)`.

    In the first form `report` has all that a report has, once the block has ended, also where it raised. What was recorded of each step
    is written by `report.to_csv(path)` and `report.to_tensorboard(directory)`. prove: run the function's first
    steps again, on copies, with and without the change that a finding proposes, where the loop's own numbers don't prove it; budget: the
    seconds that this may take.
    """
    from .ask import Watch

    if function is None and prove:
        from .engine.errors import UserMistake

        raise UserMistake("a block can't be run again", do="watch a function, dldebug.watch(train, prove=True), or a cell, %%watch --prove")
    if function is None:
        return Watch()
    if prove:
        from .instruments.again import Again, Program

        again = Again(Program.of(function), budget)
    watching = Watch()
    with watching:
        function()
    if prove:
        watching.prove(again)
    return watching.report


def explain_error(error: BaseException, subject: Subject | None = None, *, budget: float = _BUDGET) -> Report:
    """Explain an exception post mortem. `subject` is the program to look at where the traceback holds none (a backward pass, a step)."""
    from .instruments.post_mortem import failure_of
    from .notebook.explanation import explanation

    return collections.deque(explanation(failure_of(error), lambda: (subject, ()), budget), maxlen=1)[0]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if not name.startswith("_") and name in _experiments():
        return _function(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_experiments()})


def _experiments() -> tuple[str, ...]:
    from .ask import names

    return names()


@functools.cache
def _function(name: str) -> Callable[..., Report]:
    """An experiment as a function: a Subject's parts, then the experiment's own options, all in its signature."""
    from .ask import ask, experiment
    from .engine.observation import options
    from .engine.subject import Subject

    own = options(experiment(name))
    signature = _signature(list(own.values()))

    def function(*args: Any, **kwargs: Any) -> Report:
        given = signature.bind(*args, **kwargs).arguments
        chosen = {option: given.pop(option) for option in own if option in given}
        budget, names = given.pop("budget", _BUDGET), given.pop("names", None) or {}
        return collections.deque(ask(name, Subject(**given, names=names), budget=budget, **chosen), maxlen=1)[0]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = experiment(name).__doc__
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _signature(own: list[inspect.Parameter]) -> inspect.Signature:
    place, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parts = [inspect.Parameter(name, place, default=None) for name in ("loss_fn", "optimizer", "train")]
    data = ("val", "test", "train_val", "test_val", "human", "target", "metric", "scheduler", "step", "names")
    rest: dict[str, Any] = {"budget": _BUDGET, **dict.fromkeys(data), "seed": 0, "device": ""}
    keywords = [inspect.Parameter(name, keyword, default=default) for name, default in rest.items()]
    return inspect.Signature([inspect.Parameter("model", place), *parts, *own, *keywords], return_annotation="Report")
