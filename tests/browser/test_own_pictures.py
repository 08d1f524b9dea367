"""Two panels that draw, used in turns and faster than they draw: each cell keeps exactly its own pictures."""

from __future__ import annotations

import ast
import hashlib

from tests.browser.every_panel import CELLS, Every

TURNS = 25  # of four interactions
TOUCHED = {
    "watch": (("BoundedIntText", "step", "ArrowUp"), ("Checkbox", "rate", "Space")),
    "bias_variance": (("BoundedFloatText", "human level", "ArrowUp"), ("Checkbox", "use train-val", "Space")),
}


def test_a_hundred_quick_interactions_leave_each_picture_in_its_cell(every):
    for name in TOUCHED:
        every.fresh(name)
    shown, before = every.shown, _pictures(every)
    controls = {(one.kind, one.label): one for name in TOUCHED for one in every.controls(name)}
    touched = [(controls[kind, label], key) for pair in zip(*TOUCHED.values(), strict=True) for kind, label, key in pair]
    start = {control.label: control.held() for control, _ in touched}
    for turn in range(TURNS):
        for control, key in touched:
            control.key(key)
        if turn % 8 == 0:
            shown.run(len(CELLS) + 1, wait=False)
    controls["BoundedIntText", "step"].becomes(min(start["step"] + TURNS, controls["BoundedIntText", "step"].held("max")))
    controls["Checkbox", "rate"].becomes(not start["rate"])
    controls["BoundedFloatText", "human level"].becomes(round(start["human level"] + TURNS * 0.005, 9))
    controls["Checkbox", "use train-val"].becomes(not start["use train-val"])
    for name in TOUCHED:
        number, drawn = every.number(name), ast.literal_eval(shown.value(f"pictures({name!r})"))
        assert len(drawn) == 1
        shown.page.wait_for_function(_HOLDS, arg=[number, drawn])
        own = before.pop(number)
        assert _pictures(every)[number] == [*own[:-1], *map(_short, drawn)] and own[-1] != _short(drawn[0])
    assert before == {number: found for number, found in _pictures(every).items() if number in before}


def _pictures(every: Every) -> dict[int, list[str]]:
    """The pictures of each cell, the panel's own last."""
    return {number: [*map(_short, found)] for number, found in enumerate(every.shown.page.evaluate(_SHOWN))}


def _short(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


_SHOWN = (
    "() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(c => [...c.querySelectorAll('img')].map(i => i.getAttribute('src')))"
)
_HOLDS = """([number, sources]) => {
    const own = document.querySelectorAll('.jp-Notebook .jp-Cell')[number].querySelectorAll('.jupyter-widgets img');
    return JSON.stringify([...own].map(one => one.getAttribute('src'))) === JSON.stringify(sources); }"""
