"""The notebook's last exception, which `%explain_error` is about, and whether it waits to be explained, which the ladder asks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from .session import Session

EXPLAINS = "explain_error"


def last_exception(shell: Any) -> BaseException | None:
    """The exception that the last failed cell ended with. A mistake in a magic's line (UsageError) is none of a program's."""
    result = getattr(shell, "last_execution_result", None)
    ended = getattr(result, "error_in_exec", None)
    last = ended if ended is not None else getattr(sys, "last_value", None) or getattr(sys, "last_exc", None)
    return None if last is None or type(last) is UsageError else cast(BaseException, last)


def in_words(error: BaseException | None) -> str:
    """Its kind and its first line; empty where there is none.

    >>> in_words(ValueError("no such size: 3\\nsee above")), in_words(None)
    ('ValueError: no such size: 3', '')
    """
    return "" if error is None else f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def unexplained(session: Session) -> str:
    """The last exception in words, where it is a training step's and was not explained yet; else empty. Without torch there is none."""
    error = last_exception(session.shell)
    answer = session.asked.get(EXPLAINS)
    if "torch" not in sys.modules or not isinstance(error, Exception) or (answer is not None and answer.about == in_words(error)):
        return ""
    from ..instruments.post_mortem import failure_of
    from .explanation import is_told

    return in_words(error) if is_told(failure_of(error)) else ""
