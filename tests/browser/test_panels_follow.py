"""What a control moves is seen on the page at once: the levels, the sizes, the rows and the charts that were chosen, in words."""

from __future__ import annotations

import re

import pytest

from tests.browser.driver import answered

FOLLOWED = [  # a panel, a control, the keys, what the panel shows then, and the keys back
    ("bias_variance", "spinbutton", "human level", "ArrowUp", "2.5 %", "ArrowDown"),
    ("shape_trace", "spinbutton", "levels open", "ArrowDown", "1 of 2 levels are open", "ArrowUp"),
    ("watch", "checkbox", "rate", "Space", "rate 3e-05 throughout", "Space"),
    ("watch", "spinbutton", "step", "ArrowUp", "What is known at step 1", "ArrowDown"),
    ("memory_plan", "combobox", "remedy", "Space ArrowDown Enter", "16 samples, half as many samples at a time", "Space ArrowUp Enter"),
]


@pytest.mark.parametrize("name, role, label, key, text, back", FOLLOWED)
def test_the_panel_follows_a_control(every, name, role, label, key, text, back):
    shown, out = every.fresh(name), every.out(name)
    told = re.compile(rf"(?<![\d.]){re.escape(text)}") if text[0].isdigit() else text  # 2.5 % is not 62.5 %
    there = out.locator(".jupyter-widgets .widget-html-content").filter(has_text=told)
    drawn = out.locator(f".jupyter-widgets img[alt*=' {text}']")
    assert there.count() + drawn.count() == 0
    for keys, state in ((key, "visible"), (back, "detached")):
        out.get_by_role(role, name=label, exact=True).focus()
        for one in keys.split():
            shown.page.keyboard.press(one)
        there.or_(drawn).first.wait_for(state=state)


def test_a_split_that_is_left_out_leaves_the_waterfall(every):
    every.fresh("bias_variance")
    out = every.out("bias_variance")
    split, level = out.get_by_role("checkbox", name="use train-val"), out.locator(".jupyter-widgets th", has_text=re.compile("^train-val$"))
    level.first.wait_for()
    split.press("Space")
    level.first.wait_for(state="detached")
    split.press("Space")
    level.first.wait_for()
    assert out.locator(".jupyter-widgets img").count() == 1 and split.is_checked()


def test_a_size_is_planned_and_those_between_follow(every):
    shown, out = every.fresh("memory_plan"), every.out("memory_plan")
    size = next(one for one in every.controls("memory_plan") if one.label == "batch size")
    size.there.click(click_count=3)
    size.typed("128")
    size.becomes(128)
    before = shown.value("state()")
    button = next(one for one in every.controls("memory_plan") if one.label == "Plan this batch size")
    answered(button, lambda: button.key("Enter"))
    out.get_by_role("status").filter(has_text="128 samples, as it is: training needs the most").wait_for()
    size.key("ArrowDown")
    size.becomes(127)
    out.locator(".widget-html-content").get_by_text("on the line through the plans of 16 and 128").wait_for()
    assert shown.value("state()") == before


def test_a_filter_finds_rows_and_sizes_that_break_are_told(every):
    shown, out = every.fresh("shape_trace"), every.out("shape_trace")
    wanted, sizes = (out.get_by_role("textbox", name=name) for name in ("filter", "input sizes"))
    wanted.fill("linear")
    out.get_by_text("calls match; all of them are shown open").wait_for()
    wanted.fill("")
    before = sizes.input_value()
    sizes.fill("2x7")
    sizes.press("Tab")
    assert out.get_by_role("button", name="Trace these sizes").evaluate("e => e === document.activeElement")
    shown.page.keyboard.press("Enter")
    out.get_by_role("status").filter(has_text="FAIL: It breaks in the forward pass").wait_for()
    sizes.fill(before)
    button = next(one for one in every.controls("shape_trace") if one.label == "Trace these sizes")
    assert answered(button, button.there.click).startswith("OK: ")
