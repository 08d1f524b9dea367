"""The picture of the README: its own first cells in a notebook, and what stands below the question. `make picture` puts it into docs/."""

from __future__ import annotations

from tests.test_readme import printed_path

WIDTH, HEIGHT, MARGIN = 1160, 1400, 12


def test_the_readmes_question_has_its_verdict_its_changed_line_and_its_curves_on_one_page(notebook):
    (setup, _), (question, _) = printed_path()[:2]
    shown = notebook(setup, question)
    shown.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    shown.command("application:toggle-left-area")
    for number in (0, 1):
        shown.run(number)
    answer = shown.out(1)
    answer.get_by_text("softmax_before_cross_entropy").first.wait_for()
    answer.get_by_text("net[3] = torch.nn.Identity()").first.wait_for()
    curves = answer.locator("img").first
    assert "with logits returned instead of softmax" in curves.get_attribute("alt")
    shown.cell(1).evaluate("cell => cell.scrollIntoView()")
    cell, picture = shown.cell(1).bounding_box(), curves.bounding_box()
    bottom = picture["y"] + picture["height"] + MARGIN
    assert cell["y"] >= 0 and bottom <= HEIGHT, "the curves do not stand on the same page as the question"
    shown.picture("readme", clip={"x": cell["x"], "y": cell["y"], "width": cell["width"], "height": bottom - cell["y"]})
