"""How the magics come into a shell, and leave it again without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.face import take_off, wear
from .magics import DLDebugMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell, once."""
    if _loaded(shell) is None:
        magics = DLDebugMagics(shell)
        shell.register_magics(magics)
        magics.completion.start()
        wear(magics.face)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything out of the shell that loading put in."""
    magics = _loaded(shell)
    if magics is None:
        return
    for kind, own in magics.magics.items():
        table = shell.magics_manager.magics[kind]
        for name in [name for name, magic in own.items() if table.get(name) == magic]:
            del table[name]
    del shell.magics_manager.registry[DLDebugMagics.__name__]
    shell.configurables[:] = [configurable for configurable in shell.configurables if configurable is not magics]
    magics.completion.stop()
    magics.raised.stop()
    magics.session.shown.forget()
    magics.session.panels.close()
    take_off(magics.face)


def _loaded(shell: InteractiveShell) -> DLDebugMagics | None:
    return shell.magics_manager.registry.get(DLDebugMagics.__name__)
