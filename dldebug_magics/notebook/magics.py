"""The magics of dldebug, in one class.

Loading imports no torch: the experiments are known by their file names until one is run, asked for help, or completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.display import display

from .. import ask, reference
from ..document import Block, Text
from ..engine.errors import UserMistake
from ..engine.face import Face
from .arguments import parse
from .assemble import subject_of
from .closest import did_you_mean
from .completion import Completion
from .explain_error import ExplainError
from .fixing import put_below
from .ladder import kept_page, ladder
from .names import Names
from .options import FLAG, ROLES, Option
from .page import Page
from .progress import bundle
from .raised import Raised
from .roles import assigned
from .session import Session
from .settings import Settings
from .spoken import Spoken
from .status import status
from .traced_cell import TracedCell
from .watch import WatchedCell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SUBJECT_OPTIONS = {option.name: option for option in (*ROLES, Option("clear", FLAG, False, "forget what was set"))}


@magics_class
class DLDebugMagics(Settings, Magics):
    """Diagnose a PyTorch model in the notebook; `%dldebug` shows what there is to ask."""

    def __init__(self, shell: InteractiveShell):
        super().__init__(shell=shell)
        self.session = Session(shell)
        self.face = Face(self.session.panels.of, lambda report: put_below(shell, report))
        explain_error = ExplainError(self.session)
        self.raised = Raised(shell, explain_error.tell)
        self.obey(self.session, self.raised.turn)
        spoken_magics = {name: Spoken(name, self.session) for name in ask.names()} | {"explain_error": explain_error}
        self.magics["line"] |= spoken_magics
        self.magics["cell"] |= {"shape_trace": TracedCell(self.session), "watch": WatchedCell(self.session)}
        sources = {name: spoken.options for name, spoken in spoken_magics.items()} | {"subject": lambda: SUBJECT_OPTIONS}
        self.completion = Completion(self.session, sources)

    @line_magic
    @needs_local_scope
    @no_var_expand
    def subject(self, line: str = "", local_ns: dict[str, Any] | None = None) -> Page:
        """%subject model loss_fn optimizer train_loader --val val_loader

        Name once what the magics that follow use. Names are kept, not objects: a model that you define anew is the one that is used.
        Alone it tells what is set; --clear forgets it.
        By name: --model --loss --optimizer --train --val --test --metric --scheduler --step.

            %subject net criterion optimizer train_loader
            %subject net F.cross_entropy None train_loader --val val_loader
            %subject --clear
        """
        try:
            typed = parse(line, SUBJECT_OPTIONS)
            if "clear" in typed.options:
                self.session.kept.clear()
            elif typed.positional or typed.options:
                parts = assigned(typed.positional, typed.options, Names(self.session.shell.user_ns, local_ns))
                if "model" in parts:
                    subject_of(parts)
                self.session.kept = {field: named.text for field, named in parts.items()}
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None
        return self._page(kept_page(self.session.kept), line)

    @line_magic
    @no_var_expand
    def explain(self, line: str = "") -> Page:
        """%explain NAME

        The page of a cause: what it is, why it hurts, when it is not this, and the program that shows it; or of a remedy: what it does,
        when it is none, and what it costs. Alone it lists the names.

            %explain lr_too_high
            %explain bigger_model
            %explain
        """
        try:
            name = line.partition("#")[0].strip(" ;\t\"'`")
            listed = Text(f"%explain NAME, where NAME is one of: {', '.join(reference.names())}")
            return self._page(reference.page(name) if name else (listed,), line)
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None

    @line_magic
    def dldebug(self, line: str = "") -> Page:
        """%dldebug [status] [--panel]

        The ladder: the stages of the guide, the magics that answer them, what was asked so far, and what to run next.
        status: what dldebug has put into this notebook, every hook and handler; none by default.
        --panel: the ladder below, too, as a map in which a click runs a magic.

            %dldebug
            %dldebug status
            %dldebug --panel
        """
        asked = line.partition("#")[0].strip(" ;")
        if asked == "status":
            return self._page(status(self), line)
        if asked == "--panel" or (not asked and self.session.panels.wanted(False, ";" in line)):
            return self._mapped(line)
        if asked:
            near = did_you_mean(asked, ["status", "--panel"], "%dldebug {}") or "run %dldebug alone, %dldebug status, or %dldebug --panel"
            raise UsageError(f"%dldebug was given {asked!r}; {near}")
        return self._page(ladder(self.session), line)

    def _mapped(self, line: str) -> Page:
        """The page, and below it the panel."""
        from .panels.dldebug import build

        try:
            self.session.panels.needed()
        except UserMistake as mistake:
            raise UsageError(str(mistake)) from None
        page = self._page(ladder(self.session), line)
        if not self.session.shown.holds(page):
            display(bundle(page), raw=True)
            self.session.shown.remember(page)
        self.session.panels.filled("dldebug", lambda panel: build(panel, self.session))
        return page

    def _page(self, blocks: tuple[Block, ...], line: str) -> Page:
        """What the cell ends with; a `;` at the end of the line keeps it off the screen."""
        page = Page(blocks)
        if line.partition("#")[0].rstrip().endswith(";"):
            self.session.shown.remember(page)
        return page
