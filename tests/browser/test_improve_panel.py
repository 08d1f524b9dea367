"""The panel of `%improve` as a user has it: remedies picked by keyboard, pilots of these alone, and two runs side by side."""

from __future__ import annotations

from tests.notebook.test_improve_magic import SET_UP
from tests.notebook.test_improve_panel import BOXES, LINE
from tests.notebook.test_panels import LOOK


def test_a_remedy_is_picked_by_keyboard_and_runs_stand_side_by_side(notebook):
    opened = notebook(f"%load_ext dldebug\n{SET_UP}{LOOK}{BOXES}", f"{LINE} --term variance --passes 1 --seeds 2 --budget 20 --panel")
    opened.run(0)
    opened.run(1)
    box = opened.out(1).get_by_role("checkbox", name="more regularisation")
    box.wait_for()
    box.focus()
    opened.page.keyboard.press("Space")
    opened.until("control('only').value", "'more_regularisation'")
    assert opened.out(1).get_by_role("checkbox", name="error analysis").is_disabled()
    box.scroll_into_view_if_needed()
    for count in (1, 2):
        opened.out(1).get_by_role("button", name="Run", exact=True).click()
        opened.until("len(cards())", str(count))
    assert opened.out(1).get_by_role("columnheader", name="run 2: variance, on test-val").is_visible()
    for dark in (True, False):
        opened.theme(dark)
        box.scroll_into_view_if_needed()
        opened.picture(f"improve remedies {'dark' if dark else 'light'}")
        opened.out(1).get_by_role("heading", name="Run 2: ").scroll_into_view_if_needed()
        opened.picture(f"improve runs {'dark' if dark else 'light'}")
        assert not opened.inaccessible(".jupyter-widgets")
    opened.out(1).get_by_role("button", name="Clear the runs").focus()
    opened.page.keyboard.press("Enter")
    opened.until("len(cards())", "0")
