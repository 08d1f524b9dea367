"""The panel of an experiment that has no file of its own: its options, and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .panel import Panel
from .request import Request
from .runner import Runner

if TYPE_CHECKING:
    from ...engine.report import Report


def build(panel: Panel, request: Request, report: Report | None) -> None:
    """Fill the panel. The report that it was opened with stands above it already."""
    panel.put(Runner(panel, request).box)
