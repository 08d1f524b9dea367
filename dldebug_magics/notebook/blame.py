"""Whose error is it? An exception out of the user's loader passes through unchanged, but not with twenty frames of ours in front of it."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import TracebackType

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_THEIRS = "dldebug: your data or your model raised this, outside the experiment. Everything was put back as it was."
_DEFECT = "dldebug: this is a defect of dldebug, not of your program. Please report it with the traceback below."


def explained(error: Exception) -> Exception:
    """The same exception, to be raised again: one line in front says whose it is, and the user's own comes without our frames."""
    theirs = is_theirs(error.__traceback__)
    print(_THEIRS if theirs else _DEFECT, file=sys.stderr)
    return error.with_traceback(without_ours(error.__traceback__)) if theirs else error


def in_one_line(error: BaseException) -> BaseException:
    """The same exception, which IPython shows without a traceback: the report above says all, and the frames would be ours.

    >>> in_one_line(AssertionError("It does not learn."))._render_traceback_()
    ['AssertionError: It does not learn.']
    """
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    error._render_traceback_ = lambda: [text]  # type: ignore[attr-defined]
    return error


def is_theirs(traceback: TracebackType | None) -> bool:
    """True where we had called something that is neither ours, nor Python's, nor torch's, or torch was reading the user's data."""
    files = [frame.tb_frame.f_code.co_filename for frame in _frames(traceback)]
    inside = files[next((i for i, file in enumerate(files) if file.startswith(_OURS)), len(files)) :]
    return any(_is_users(file) or f"torch{os.sep}utils{os.sep}data" in file for file in inside)


def _is_users(file: str) -> bool:
    paths = sysconfig.get_paths()
    library = file.startswith(paths["stdlib"]) and not file.startswith((paths["purelib"], paths["platlib"]))
    return not (file.startswith((_OURS, "<frozen ")) or library or f"-packages{os.sep}torch{os.sep}" in file)


def without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """The same traceback without the frames of this package."""
    kept: TracebackType | None = None
    for entry in reversed(_frames(traceback)):
        if not entry.tb_frame.f_code.co_filename.startswith(_OURS):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames
