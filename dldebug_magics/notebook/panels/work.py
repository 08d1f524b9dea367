"""Where a panel's runs happen: in the kernel's main thread, one at a time, ended by either stop button with everything restored.

New front ends deliver what is clicked on a thread of its own. A diagnosis there would run beside the cells, while it borrows the user's
model and stands in for torch's functions. So it is handed to the main thread, which is free between two cells; and only there is the
kernel's stop button heard.
"""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from typing import Any

from .panel import Panel

BUSY = "BUSY: another run is going; wait for its end, or stop it."
_WAITS = "Waiting for the cell that is running."
_RUNNING = "Running. {} ends it, and leaves everything as it was."
_engine = threading.Lock()


def busy() -> bool:
    """Whether a run is going, in whichever panel."""
    return _engine.locked()


class Work:
    """`begin(run)` runs something of the engine's. `stop` is a button, of use where a click arrives while the main thread works."""

    def __init__(self, panel: Panel, shell: Any):
        self.panel, self.shell = panel, shell
        self.stop = panel.made.Button(description="Stop", disabled=True, layout=panel.made.Layout(width="auto"))
        self.stop.on_click(self._pressed)

    def begin(self, run: Callable[[], str]) -> None:
        """Run it as soon as the main thread is free, and then say what it returns; at once where this is the main thread."""
        if not _engine.acquire(blocking=False):
            self.panel.say(BUSY)
            return
        here = threading.current_thread() is threading.main_thread()
        try:
            self.stop.disabled = not self._heard_meanwhile()
            if here:
                self._run(run)
            else:
                self.panel.say(_WAITS)
                self.shell.kernel.io_loop.add_callback(self._run, run)
        except BaseException:
            if _engine.locked():
                _engine.release()
            raise

    def _run(self, run: Callable[[], str]) -> None:
        """In the main thread, and with the stop button as in a cell: between cells the kernel is deaf to it, and so are we afterwards."""
        before = signal.getsignal(signal.SIGINT)
        try:
            if not self.panel.closed:
                self.panel.say(_RUNNING.format("The kernel's stop button" if self.stop.disabled else "Stop"))
                self.panel.say(_heard(run, before))
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, before)
            self.panel.say("Stopped by you. Everything is as it was.")
        except Exception as error:
            self.panel.tell(error)
        finally:
            _engine.release()
            if not self.panel.closed:
                self.stop.disabled = True

    def _pressed(self, _: Any) -> None:
        """As if the kernel's own stop button were pressed."""
        if _engine.locked() and not self.stop.disabled:
            _thread.interrupt_main()

    def _heard_meanwhile(self) -> bool:
        """Whether a click on Stop would arrive while the main thread works: the front end says so in what it sends."""
        parent = self.shell.kernel.get_parent() if hasattr(self.shell.kernel, "get_parent") else {}
        return bool((parent.get("header") or {}).get("subshell_id"))


def _heard(run: Callable[[], str], before: Any) -> str:
    """Run it while the stop button raises, as it does in a cell."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    finally:
        signal.signal(signal.SIGINT, before)
