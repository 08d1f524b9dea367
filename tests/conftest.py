"""Time made by hand: a test that asks how long something may take must not ask this machine how busy it is."""

from __future__ import annotations

import time

import pytest


class Clock:
    """It stands still but where somebody says that time passes: `passes`, or `time.sleep`."""

    def __init__(self):
        self.now = 0.0

    def passes(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """What everybody reads the time from in this test."""
    made = Clock()
    for name in ("monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, made.read)
    monkeypatch.setattr(time, "sleep", made.passes)
    return made
