"""A JupyterLab of its own for the tests of the panels, with nothing left over from another. It is ended by what started it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PLUGINS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},  # no pop-up over the page
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell stays in the page
}
_PLACES = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
_PLACES |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "MPLCONFIGDIR": "matplotlib"}


@contextlib.contextmanager
def server(root: Path, home: Path) -> Iterator[str]:
    """The address of a JupyterLab of its own, with nothing left over from another."""
    for plugin, settings in _PLUGINS.items():
        file = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plain = {name: value for name, value in os.environ.items() if name not in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}
    own = {name: str(home / place) for name, place in _PLACES.items()}
    environment = {**plain, **own, "HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    flags = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    flags += ["--IdentityProvider.token=", f"--ServerApp.root_dir={root}", "--ServerApp.disable_check_xsrf=True"]
    flags += ["--LabApp.expose_app_in_browser=True", "--LabApp.collaborative=False", "--LabApp.extension_manager=readonly"]
    with open(home / "lab.log", "wb") as log:
        running = subprocess.Popen([sys.executable, "-m", "jupyterlab", *flags], stdout=log, stderr=log, env=environment, cwd=root)
        try:
            _answers(f"http://127.0.0.1:{port}", running, home / "lab.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()  # it takes its kernels along
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _answers(url: str, running: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        assert running.poll() is None, f"JupyterLab ended:\n{log.read_text()[-3000:]}"
        try:
            urllib.request.urlopen(f"{url}/api/status", timeout=1).read()
            return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("JupyterLab does not answer")
