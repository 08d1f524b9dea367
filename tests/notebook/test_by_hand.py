"""The cells of the check-list for Colab and VS Code, in a real kernel: what a person is told to look for must be there to be seen."""

from __future__ import annotations

import re
import sys
import types

import nbformat
import pytest

from tests.notebook.test_kernel import ROOT, Kernel, of

LIST = (ROOT / "docs" / "by_hand.md").read_text(encoding="utf-8")
CELLS = dict(re.findall(r"Cell (\w):\n\n```python\n(.*?)```", LIST, re.DOTALL))
SEEN = {"C": "Proven: lr_too_low", "D": "Only `layers.0` and what runs inside it", "E": "missing_zero_grad", "F": "Climb from the top"}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    yield running
    running.close()


def test_each_cell_shows_what_the_list_says_and_opens_a_panel(kernel):
    assert list(CELLS) == list("ABCDEF")
    told = {}
    for name, code in CELLS.items():
        messages = kernel.run(code)
        shown = of(messages, "display_data", "update_display_data", "execute_result")
        assert not of(messages, "error"), (name, messages)
        assert ("widget-view+json" in str(shown)) == (name in SEEN), name
        told[name] = " ".join(" ".join(one["data"].get("text/plain", "") for one in shown).split())
        assert SEEN.get(name, "") in told[name], (name, told[name])
    assert "lr_too_low" in kernel.value("report.findings[0].name")
    assert "layers.1" not in told["D"] and re.search(r"missing_zero_grad \(cell \d+, line 4\b", told["E"]), told
    assert "did you mean `net`?" in kernel.ask("execute", "%overfit_batch nett", stop_on_error=False)["evalue"]
    assert offered(kernel, "%shape_trace encoder --at layers.1.li") == ["layers.1.linear1", "layers.1.linear2"]
    assert offered(kernel, "%shape_trace encoder --at la") == ["layers"] and "encoder" in offered(kernel, "%shape_trace enc")
    kernel.run("whole = nn.Module(); whole.encoder = encoder")
    assert set(offered(kernel, "%shape_trace whole --at encoder.la")) == {"encoder.layers"}


def offered(kernel, line: str) -> list[str]:
    return sorted(kernel.ask("complete", line, len(line))["matches"])


@pytest.mark.parametrize("saved", sorted((ROOT / "example_notebooks").glob("*.ipynb")), ids=lambda saved: saved.stem)
def test_an_example_installs_what_it_needs_in_colab_and_nothing_elsewhere(run, monkeypatch, saved):
    cells = [cell for cell in nbformat.read(saved, as_version=4).cells if cell.cell_type == "code"]
    asked: list[str] = []
    run.shell.register_magic_function(asked.append, "line", "pip")
    assert run(cells[0].source).error is None and not asked
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert run(cells[0].source).error is None
    installed = {line.split()[-1] for line in asked}
    needs = {"mlxtend"} if any("mlxtend" in cell.source for cell in cells[1:]) else set()
    assert installed == {"dldebug"} | needs
