"""Shells to type into, each test its own, and an experiment that takes no time and does what its test wants.

The magics are tested here, the engine elsewhere; `test_kernel.py` has the real engine in a real kernel.
"""

from __future__ import annotations

import builtins
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dldebug_magics import ask
from dldebug_magics.engine.observation import Observation
from dldebug_magics.engine.report import Report
from dldebug_magics.notebook.options import options_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One kernel serves all tests of its file: they go to one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "kernel" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclasses.dataclass
class Cell:
    """What one cell did."""

    result: object
    out: str
    err: str

    @property
    def value(self):
        return self.result.result

    @property
    def error(self):
        return self.result.error_in_exec


class Typist:
    """A shell, and what it prints."""

    def __init__(self, shell, capsys):
        self.shell, self.capsys = shell, capsys

    def __call__(self, cell: str) -> Cell:
        self.capsys.readouterr()
        result = self.shell.run_cell(cell, store_history=True)
        printed = self.capsys.readouterr()
        return Cell(result, printed.out, printed.err)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.delattr(builtins, "_", raising=False)  # a doctest in the same process leaves one, and IPython then keeps its hands off `_`
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell, capsys):
    typist = Typist(shell, capsys)
    typist("%load_ext dldebug")
    return typist


@dataclasses.dataclass(frozen=True)
class Guess(Observation):
    """Guess whether the model learns.

    Examples:
        %overfit_batch net
        %overfit_batch net loss_fn
        %overfit_batch net loss_fn optimizer
    """

    passed: bool = True

    @classmethod
    def measure(
        cls,
        subject: Any,
        *,
        steps: int = 300,
        rate: float | None = None,
        shuffle: bool = False,
        plot: bool = True,
        kind: str = "plain",
        weights: tuple[int, ...] = (),
    ) -> Iterator[Guess]:
        """Guess. steps: how often; more is slower. rate: how fast."""
        yield cls()

    def sentence(self, findings: Any) -> str:
        return "It learns." if self.passed else "It does not learn <b>."

    def document(self, findings: Any = ()) -> tuple:
        return ()


class Pretended:
    """Stands in for `ask.ask`; records what it was asked with."""

    def __init__(self) -> None:
        self.subject: Any = None
        self.options: dict[str, Any] = {}
        self.passed = True
        self.raises: BaseException | None = None
        self.restored = 0

    def __call__(self, name: str, subject: Any, **options: Any) -> Iterator[Report]:
        self.subject, self.options = subject, options
        try:
            for step in range(3):
                yield Report(progress=f"step {step} of 3")
                if self.raises is not None and step == 1:
                    raise self.raises
            yield Report(Guess(self.passed), steps=3)
        except KeyboardInterrupt:
            yield Report(Guess(self.passed), stopped="by you, after 2 steps")
            raise
        finally:
            self.restored += 1


@pytest.fixture
def pretended(monkeypatch):
    stand_in = Pretended()
    monkeypatch.setattr(ask, "ask", stand_in)
    monkeypatch.setattr(ask, "experiment", lambda name: Guess)
    monkeypatch.setattr(ask, "names", lambda: ("overfit_batch",))
    return stand_in


@pytest.fixture
def options():
    return options_of(Guess)
