"""What the map asks of `%explain_error`, which is no experiment and takes no parts of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import Names
from ..options import Option
from .request import Request

if TYPE_CHECKING:
    from ..session import Session


class LastError(Request):
    """A request whose only option is the time that it may take."""

    def __init__(self, session: Session):
        from ..explain_error import ExplainError

        super().__init__(ExplainError(session), "", Names(session.shell.user_ns))

    def options(self) -> list[Option]:
        """What has a control."""
        return [self.spoken.options()["budget"]]
