"""The example notebook about memory runs from top to bottom in a real kernel, and its saved outputs are the page that a reader sees."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat

SAVED = Path(__file__).parents[1] / "example_notebooks" / "memory.ipynb"
CAUSES = ("batch_too_large", "oversized_dense_layer", "loss_history_leak", "optimizer_state_oom")


def text_of(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("data", {}).get("text/plain", "") for output in outputs)


def test_the_saved_notebook_holds_its_outputs_and_no_widget():
    notebook = nbformat.read(SAVED, as_version=4)
    text = text_of(notebook)
    assert all(f"Proven: {cause}" in text for cause in CAUSES) and "multiple_models_alive" in text
    assert text.count("bit-identical to before") == 6
    assert "widgets" not in notebook.metadata and "widget-view" not in SAVED.read_text()
    assert SAVED.stat().st_size < 1_000_000


def test_the_notebook_runs_and_says_the_same(tmp_path):
    """All but the six billion parameters, which take half a minute."""
    notebook = nbformat.read(SAVED, as_version=4)
    end = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("## 4."))
    notebook.cells = notebook.cells[:end]
    copy = tmp_path / "memory.ipynb"
    nbformat.write(notebook, copy)
    done = subprocess.run([sys.executable, SAVED.parent / "run.py", str(copy)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.findall(r"^Proven: (\w+)", done.stdout, re.MULTILINE) == list(CAUSES[:3])
