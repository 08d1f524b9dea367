"""What a program that runs again on copies must not do a second time: write files, ask for input, start programs, draw, print.

A run that comes to such a door ends there, as if it had gone far enough. What is printed or drawn is kept from the screen.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ..watch.wrapped import wrapped


class Enough(BaseException):
    """A run on copies ends here. No `Exception`, so that a loop which catches its own lets it pass."""


_SHUT: tuple[tuple[Any, str, str], ...] = (
    (torch, "save", "it saves a file"),
    (os, "remove", "it removes a file"),
    (os, "rename", "it renames a file"),
    (os, "replace", "it renames a file"),
    (os, "system", "it starts another program"),
    (subprocess.Popen, "__init__", "it starts another program"),
    (builtins, "input", "it asks for input"),
)


@contextlib.contextmanager
def shut() -> Iterator[None]:
    """Within the block whoever comes to one of these doors raises `Enough`."""
    with contextlib.ExitStack() as stack:
        for owner, name, why in _SHUT:
            stack.enter_context(wrapped(owner, name, functools.partial(_ending, why)))
        for owner in (builtins, io):
            stack.enter_context(wrapped(owner, "open", _for_reading))
        yield


def _ending(why: str, plain: Callable) -> Callable:
    def end(*args: Any, **kwargs: Any) -> None:
        raise Enough(why)

    return end


def _for_reading(plain: Callable) -> Callable:
    def open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+") and file != os.devnull:
            raise Enough(f"it writes {file}")
        return plain(file, mode, *args, **kwargs)

    return open


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Within the block nothing is printed, warned or logged, and pyplot's figures are out of reach."""
    level = logging.root.manager.disable
    figures = getattr(sys.modules.get("matplotlib._pylab_helpers"), "Gcf", None)
    kept = dict(figures.figs) if figures is not None else {}
    with contextlib.ExitStack() as stack:
        stack.callback(logging.disable, level)
        logging.disable(logging.CRITICAL)
        if figures is not None:
            stack.callback(_refill, figures.figs, kept)
            figures.figs.clear()
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


def _refill(figures: dict, kept: dict) -> None:
    figures.clear()
    figures.update(kept)
