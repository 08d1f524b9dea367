"""What every magic leaves in a page, for whoever can't see it, or not well: read aloud, in both themes, and where there is little room.

axe finds what a machine can; that a table is named, a head says of what, and a picture's words are a finding, is asked of the page itself.
"""

from __future__ import annotations

import base64
import io

import pytest

from tests.browser.lab import Notebook
from tests.notebook.test_static_survival import CRASH, PANEL, PROGRAM, SAID

ALIKE = "tbody tr:nth-child(n+4)"  # further rows look like the first ones, and axe takes long
RESULTS = ".jp-RenderedHTMLCommon:has(section.dldebug)"
PLANTED = """from IPython.display import HTML
HTML('<p class="planted" style="color:#777;background:#888">faint</p><button class="planted"></button>')"""
CELLS = ["%load_ext dldebug", PROGRAM, *(source for source in SAID if source != PANEL), PLANTED]
CELLS.insert(CELLS.index("%explain_error"), CRASH)
NAMELESS = """() => [...document.querySelectorAll('section.dldebug table')].flatMap(table => {
    const faults = [], said = table.caption?.innerText.trim() || '', rows = [...table.tBodies[0].rows];
    if (said.length < 4) faults.push('no caption');
    for (const head of table.querySelectorAll('th')) {
        const scope = head.closest('thead') ? 'col' : 'row';
        if (head.scope !== scope || !head.innerText.trim()) faults.push(`a head without ${head.scope ? 'words' : 'scope'}`);
    }
    for (const row of rows)
        if (row.cells.length > 1 && row.cells[0].tagName !== 'TH' && row.cells[0].innerText.trim()) faults.push('a row without head');
    return faults.map(fault => `${fault}: ${table.innerText.slice(0, 80)}`);
})"""


CUT_OFF = """() => [...document.querySelectorAll('.jp-RenderedHTMLCommon:has(section.dldebug), section.dldebug *')].filter(
    e => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
).map(e => [e.tabIndex, e.getAttribute('aria-label'), e.innerText.slice(0, 80)])"""


@pytest.fixture(scope="module")
def said(notebook) -> Notebook:
    """Every magic's result, with all that can be folded out."""
    shown = notebook(*CELLS)
    for number in range(len(CELLS)):
        shown.run(number)
    results = shown.page.evaluate("""() => { document.querySelectorAll('section.dldebug details').forEach(e => e.open = true);
        return document.querySelectorAll('section.dldebug').length; }""")
    assert results == len(SAID) - 1
    return shown


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault_in_any_result(said, dark):
    said.theme(dark)
    planted, found = [], []
    for fault in said.inaccessible(f"{RESULTS}, .planted", ALIKE):
        (planted if 'class="planted"' in fault else found).append(fault)
    assert {fault.split(":")[0] for fault in planted} == {"color-contrast", "button-name"} and not found, found
    for number, source in enumerate(CELLS):
        if said.out(number).locator("section.dldebug img").count():
            said.out(number).locator("section.dldebug img").first.scroll_into_view_if_needed()
            said.picture(f"static {source[:24]} {'dark' if dark else 'light'}")


def test_where_there_is_little_room_the_keyboard_scrolls_what_is_cut_off(said):
    said.command("application:toggle-left-area")
    said.page.set_viewport_size({"width": 500, "height": 900})
    said.page.wait_for_timeout(1000)
    cut = said.page.evaluate(CUT_OFF)
    said.page.set_viewport_size({"width": 1280, "height": 900})
    said.command("application:toggle-left-area")
    assert len(cut) > 3 and all(tabbed == 0 and name for tabbed, name, _ in cut), cut


def test_each_table_has_a_caption_and_each_head_says_of_what(said):
    tables, heads = said.page.evaluate("() => ['table', 'th'].map(tag => document.querySelectorAll(`section.dldebug ${tag}`).length)")
    assert tables > 30 and heads > 200
    assert not said.page.evaluate(NAMELESS)


def test_each_picture_states_its_finding_and_stands_on_a_ground_of_its_own(said):
    from PIL import Image

    pictures = said.page.evaluate("() => [...document.querySelectorAll('section.dldebug img')].map(e => [e.alt, e.src])")
    assert len(pictures) >= 4
    for alt, source in pictures:
        assert len(alt.split()) >= 10 and any(letter.isdigit() for letter in alt), alt
        picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert picture.convert("RGBA").getextrema()[3] == (255, 255), "the page would show through"
        darkest, lightest = picture.convert("L").getextrema()
        assert (lightest, darkest < 60) == (255, True), alt


def test_no_change_of_a_line_is_told_by_its_colour_alone(said):
    marked = said.page.evaluate("() => [...document.querySelectorAll('section.dldebug :is(ins, del)')].map(e => [e.tagName, e.innerText])")
    assert marked and all(text[0] == {"INS": "+", "DEL": "-"}[tag] for tag, text in marked)
