"""The saved outputs of the example notebooks are the page that a reader on the web sees: whole, small, and without a widget."""

from __future__ import annotations

import html
import re

import nbformat
import pytest

from dldebug_magics.ask import names
from tests.test_example_notebooks import CAUSES, CRASHES, EXAMPLES, LOOPS, SHORTFALLS, text_of

SAVED = {
    "evaluate_and_improve": SHORTFALLS,
    "quickstart": CAUSES,
    "diagnose": ("softmax_before_cross_entropy", "labels_shuffled"),
    "get_it_to_run": CRASHES,
    "memory": ("batch_too_large",),
    "watch_your_loop": [cause for cause, _ in LOOPS],
}


@pytest.mark.parametrize("saved", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda saved: saved.stem)
def test_the_saved_notebook_holds_its_outputs_and_no_widget(saved):
    notebook = nbformat.read(saved, as_version=4)
    told = " ".join(text_of(notebook).split())
    assert all(re.search(rf"(Proven|Likely): {cause}|: {cause} \(proven\)", told) for cause in SAVED[saved.stem])
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code") and "/.venv/" not in saved.read_text()
    assert not re.search("(share of the time|time budget) was spent", told), "saved on a machine that was busy"
    assert "widgets" not in notebook.metadata and "widget-view" not in saved.read_text()
    assert saved.stat().st_size < 1_000_000


@pytest.mark.parametrize("saved", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda saved: saved.stem)
def test_its_badge_opens_this_very_file_in_colab_where_the_first_cell_installs_us(saved):
    address = re.search("(?m)^url = https://(.*)$", (EXAMPLES.parent / "setup.cfg").read_text())[1].replace(".com", "", 1)
    title, *cells = nbformat.read(saved, as_version=4).cells
    assert f"(https://colab.research.google.com/{address}/blob/main/example_notebooks/{saved.name})" in title.source
    code = next(cell.source for cell in cells if cell.cell_type == "code")
    assert 'if "google.colab" in sys.modules:' in code and re.search("%pip install .*dldebug", code)


NAMES = "|".join((*names(), "watch", "explain_error", "explain", "subject", "dldebug"))
MAGIC = re.compile(rf"^(?:\w+ = )?%%?(?:{NAMES})\b", re.MULTILINE)


@pytest.mark.parametrize("saved", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda saved: saved.stem)
def test_every_saved_result_tells_its_verdict_twice_and_each_picture_what_it_shows(saved):
    cells = [cell for cell in nbformat.read(saved, as_version=4).cells if cell.cell_type == "code"]
    asked = [cell for cell in cells if MAGIC.search(cell.source)]
    assert len(asked) >= 5
    for cell in asked:
        results = [output.data for output in cell.outputs if 'class="dldebug"' in output.get("data", {}).get("text/html", "")]
        assert len(results) == len(MAGIC.findall(cell.source)), cell.source
        for page, text in ((result["text/html"], " ".join(result["text/plain"].split())) for result in results):
            bold = re.findall("<p><strong>(.*?)</strong></p>", page, re.DOTALL)
            titles = re.findall("<(?:h3|caption)>(.*?)</(?:h3|caption)>", page)
            assert bold or re.search(r"^%(explain|subject) ", cell.source, re.MULTILINE), cell.source
            assert all(" ".join(html.unescape(said.replace("<br>", " ")).split()) in text for said in bold or titles[:1])
    pictures = [tag for cell in cells for tag in re.findall("<img[^>]*>", str([output.get("data") for output in cell.outputs]))]
    assert all(re.search('alt="[^"]{20,}" src="data:image/png;base64,', tag) for tag in pictures)
