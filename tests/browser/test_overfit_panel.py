"""What the panel of `%overfit_batch` is for, as a user has it: a fix tried on a copy, written below, and a model that learns then."""

from __future__ import annotations

import pytest

from tests.browser.driver import answered
from tests.browser.every_panel import Every


@pytest.fixture
def opened(every):
    """The panel, on a model that does not learn; afterwards the notebook's names are new."""
    shown, number = every.shown, every.number("overfit_batch")
    shown.run(0)
    every.fresh("overfit_batch")
    cells = shown.texts()
    yield every
    while len(shown.texts()) > len(cells):
        shown.delete(number + 1)
    shown.run(0)
    shown.run(number)


def pressed(every: Every, label: str) -> str:
    (button,) = (one for one in every.controls("overfit_batch") if one.label == label)
    return answered(button, button.there.click)


def test_a_fix_is_tried_on_a_copy_and_written_below_where_it_repairs_the_model(opened):
    shown, out = opened.shown, opened.out("overfit_batch")
    before, cells, below = shown.value("state()"), shown.texts(), opened.number("overfit_batch") + 1
    assert "OK: with a learning rate of 0.003, the loss " in pressed(opened, "Try this fix: lr_too_low")
    picture = out.locator(".widget-html-content img")
    assert picture.count() == 1 and "with a learning rate of 0.003 from" in picture.get_attribute("alt")
    assert shown.value("state()") == before
    out.get_by_role("button", name="Write the fix below: lr_too_low").click()
    shown.cells(len(cells) + 1)
    assert shown.texts()[below].endswith("optimizer = torch.optim.Adam(net.parameters(), lr=0.003)")
    shown.run(below)
    assert "OK: It learns" in pressed(opened, "Run")
