"""What every magic leaves in a saved notebook is complete without a kernel: as text, as HTML that nobody trusts, and through nbconvert."""

from __future__ import annotations

import html.parser
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter, MarkdownExporter

pytestmark = pytest.mark.xdist_group("saved notebook")  # one run of the kernel serves all
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs, held_out = torch.randn(256, 6), torch.randn(128, 6)
labels, answers = inputs[:, :3].argmax(1), held_out[:, :3].argmax(1)
train_loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(held_out, answers), batch_size=64)
test_loader = DataLoader(TensorDataset(held_out + 2, answers), batch_size=64)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
wrong = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(12, 3))"""
LOOP = """%%watch net optimizer
for step in range(30):
    loss = criterion(net(inputs), labels)
    loss.backward()
    optimizer.step()"""
PANEL = "%overfit_batch net criterion optimizer train_loader --panel"
SAID = {
    "%subject net criterion optimizer train_loader --val val_loader": ["the subject of the magics that follow", "validation data"],
    "%diagnose": ["Overfit: Proven: softmax_before_cross_entropy.", "net[3] = torch.nn.Identity()"],
    "%overfit_batch": ["Proven: softmax_before_cross_entropy.", "net[3] = torch.nn.Identity()", "bit-identical to before"],
    "%shape_trace net criterion optimizer train_loader": ["It runs, output 32 x 3, 163 parameters.", "3 Softmax, dim=1", "448 B"],
    "%%shape_trace wrong\nwrong(inputs)": ["Why: linear_in_features_mismatch (proven).", "wrong[2] = nn.Linear(16, 3)"],
    "%explain_error": ["Why: linear_in_features_mismatch (proven).", "wrong[2] = nn.Linear(16, 3)"],
    "%memory_plan --limit 8GB": ["it fits into 8.00 GB", "the largest batch is", "optimizer state"],
    LOOP: ["Proven: missing_zero_grad (cell", "line 4: loss.backward())", "optimizer.zero_grad()", "30 optimizer steps"],
    "%bias_variance net criterion --train train_loader --val val_loader --test test_loader --human 0.02": [
        "Likely: underfitting.",
        "error, irreducible",
    ],
    "%distribution_shift net criterion --train-val val_loader --test test_loader": ["Train-val and test differ", "covariate_shift"],
    "%improve net criterion optimizer train_loader --val val_loader --budget 10": ["is the largest term.", "tuned: learning rate"],
    "%data_audit --train train_loader --val val_loader": ["Nothing wrong was found in the data", "256 samples"],
    "%explain softmax_before_cross_entropy": ["softmax_before_cross_entropy (overfit, error)", "Not this when"],
    "%dldebug": ["Climb from the top", "the ladder", "Next: repair what %shape_trace found"],
    "%dldebug status": ["No hook or handler is installed.", "explain_errors"],
    PANEL: ["Proven: softmax_before_cross_entropy.", "net[3] = torch.nn.Identity()"],
}
CRASH = "wrong(inputs)"
CAPTIONS = ["the subject of the magics that follow", "Evidence", "Memory at the peak", "The data", "the ladder", "versions"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a notebook that ran in a kernel which is gone, and how many widgets there had been after each of its cells."""
    folder = tmp_path_factory.mktemp("saved")
    cells = ["%load_ext dldebug", PROGRAM, *SAID]
    cells.insert(cells.index("%explain_error"), CRASH)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    for cell in notebook.cells:
        cell.metadata.tags = ["raises-exception"] * cell.source.endswith(CRASH)
    widgets: dict[str, int] = {}
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.on_cell_executed = lambda cell, **_: widgets.update({cell.source: len(client.widget_state)})
    places = {name: str(folder) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")}
    client.execute(env={**os.environ, **places, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    nbformat.write(notebook, folder / "saved.ipynb")
    return folder, widgets


@pytest.fixture(scope="module")
def saved(run):
    return nbformat.read(run[0] / "saved.ipynb", as_version=4)


@pytest.fixture(scope="module")
def exports(saved):
    """What a reader gets from each way out, in words."""
    page = HTMLExporter().from_notebook_node(saved)[0]
    cleaned = HTMLExporter(sanitize_html=True).from_notebook_node(saved)[0]
    markdown = MarkdownExporter().from_notebook_node(saved)[0]
    return {"html": words(page), "html, cleaned by nbconvert": words(cleaned), "markdown": words(markdown)}


class Reader(html.parser.HTMLParser):
    """Reads as a front end that does not trust the page: without styles, scripts and SVG. `kept`: its text, with a picture's alt text
    where the picture is. `bold`, `captions`, `alts`: those parts of it."""

    def __init__(self, page: str):
        super().__init__()
        self.kept, self.alts, self.removed = list[str](), list[str](), 0
        self.bold, self.captions, self.open = list[str](), list[str](), list[list[str]]()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.removed += tag in ("style", "script", "svg")
        if tag == "img" and not self.removed:
            self.alts.append(dict(attributes).get("alt") or "")
            self.handle_data(f" {self.alts[-1]} ")
        elif tag in ("strong", "caption"):
            (self.bold if tag == "strong" else self.captions).append("")
            self.open.append(self.bold if tag == "strong" else self.captions)
        elif tag in ("br", "tr", "td", "th", "p", "div", "details", "summary"):
            self.handle_data(" ")

    def handle_endtag(self, tag):
        self.removed -= tag in ("style", "script", "svg")
        if tag in ("strong", "caption"):
            self.open.pop()

    def handle_data(self, text):
        if not self.removed:
            self.kept.append(text)
            for parts in self.open:
                parts[-1] += text


def plain(text: str) -> str:
    return " ".join(text.split())


def words(page: str) -> str:
    return plain("".join(Reader(page).kept))


def shown(notebook: nbformat.NotebookNode, source: str) -> dict[str, str]:
    """The result of a cell: its first output with HTML."""
    (cell,) = [cell for cell in notebook.cells if cell.source == source]
    return next(output["data"] for output in cell.outputs if "text/html" in output.get("data", {}))


def test_the_reader_sees_nothing_in_styles_scripts_and_svg():
    page = "<style>a</style><p>b<svg><text>c</text></svg><img alt='d &lt;'><script>e</script></p><table><caption>f</caption></table>"
    seen = Reader(page)
    assert (words(page), seen.alts, seen.captions) == ("b d < f", ["d <"], ["f"])


def test_every_magic_of_the_readme_stands_in_the_notebook():
    rows = (ROOT / "README.md").read_text().partition("## Magics")[2].partition("##")[0].splitlines()
    named = {word for row in rows if row.startswith("| `%") for word in re.findall(r"`(%+\w+)", row)} - {"%config"}  # IPython's own
    typed = {source.split()[0] for source in SAID}
    assert len(named) >= 14 and named <= typed, named - typed


def test_the_file_is_small_and_holds_no_widget_state_that_github_rejects(run, saved):
    folder, widgets = run
    assert (folder / "saved.ipynb").stat().st_size < 1_000_000
    assert widgets.pop(PANEL) > 0 and set(widgets.values()) == {0}
    assert list(saved.metadata.widgets) == ["application/vnd.jupyter.widget-state+json"]
    assert len(saved.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]) > 10  # GitHub wants this key, or no widgets
    assert [cell.source for cell in saved.cells if "widget-view" in str(cell.outputs)] == [PANEL]


def test_a_notebook_without_a_panel_has_no_widgets_in_its_metadata(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in ("%load_ext dldebug", "%dldebug")])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(ROOT)})
    assert "widgets" not in notebook.metadata and "the ladder" in notebook.cells[1].outputs[0]["data"]["text/plain"]


@pytest.mark.parametrize("source", SAID, ids=lambda source: plain(source)[:32])
def test_the_result_is_complete_as_text_and_as_html(saved, source):
    result = shown(saved, source)
    text, page = plain(result["text/plain"]), words(result["text/html"])
    for said in SAID[source]:
        assert said in text and said in page, said
    verdicts = re.findall("<p><strong>(.*?)</strong></p>", result["text/html"], re.DOTALL)
    assert all(words(verdict) in text for verdict in verdicts)


@pytest.mark.parametrize("way_out", ["html", "html, cleaned by nbconvert", "markdown"])
def test_verdicts_captions_and_alt_texts_survive_without_kernel_style_and_script(saved, exports, way_out):
    told, captions, alts = exports[way_out], list[str](), list[str]()
    for source, key_words in SAID.items():
        seen = Reader(shown(saved, source)["text/html"])
        captions, alts = captions + seen.captions, alts + seen.alts
        lost = [part for part in (*key_words, *seen.bold, *seen.captions, *seen.alts) if plain(part) not in told]
        assert not lost, (source, lost)
    assert set(CAPTIONS) <= set(captions) and len(alts) > 5 and all(len(alt) > 20 for alt in alts)
