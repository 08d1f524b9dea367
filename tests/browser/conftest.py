"""One JupyterLab and one Chromium for all tests here. Without a browser they are skipped, but never where CI is set."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.every_panel import CELLS, SETUP, Every
from tests.browser.lab import CHROMIUM, Notebook
from tests.browser.server import server

_FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker: a second server would cost more than it saves."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason=f"no browser at {CHROMIUM}; apt-get install chromium, or set CHROMIUM"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    root, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    with server(root, home) as url:
        yield url, root


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        yield browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        browser.close()


@contextlib.contextmanager
def _opening(lab: tuple[str, Path], chromium: Any, prefix: str) -> Iterator[Callable[..., Notebook]]:
    """What opens notebooks with these cells; whatever else happens, no JavaScript of them may fail."""
    import nbformat

    url, root = lab
    opened: list[Notebook] = []

    def with_cells(*cells: str) -> Notebook:
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        name = f"{prefix}{len(opened)}.ipynb"
        nbformat.write(made, root / name)
        opened.append(Notebook(chromium.new_page(), url, name))
        return opened[-1]

    yield with_cells
    errors = [error for one in opened for error in one.errors]
    for one in opened:
        one.script("await panel().sessionContext.shutdown()")
        one.page.close()
    assert not errors


@pytest.fixture(scope="module")
def notebook(lab: tuple[str, Path], chromium: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook with these cells, for the tests of a file."""
    with _opening(lab, chromium, Path(request.node.name).stem) as opening:
        yield opening


@pytest.fixture(scope="session")
def _every(lab: tuple[str, Path], chromium: Any) -> Iterator[Every]:
    with _opening(lab, chromium, "every_panel") as opening:
        yield Every(opening(SETUP, *CELLS.values(), "print('another cell')"))


@pytest.fixture
def every(_every: Every) -> Iterator[Every]:
    """One notebook with every panel, for all files: a kernel that has loaded torch is not waited for again."""
    yield _every
    assert not _every.shown.errors
