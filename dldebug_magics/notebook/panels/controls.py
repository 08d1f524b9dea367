"""Controls made from options: a control for each kind of value, so that a new parameter of `measure` appears with no further edit.

What they hold is handed on as it would be typed on the magic's line, and read by the same parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..options import EXPRESSION, FLAG, NUMBER, SECONDS, WHOLE, Option
from . import look
from .panel import Panel

_LARGEST = 10**9
_LABEL, _SHORT_LABEL = {"description_width": "7em"}, {"description_width": "initial"}


class Controls:
    """A control an option, labelled, with what it is for. `given` is what the line said; `fitting` names what could be meant."""

    def __init__(self, panel: Panel, options: Iterable[Option], given: Mapping[str, str], fitting: Mapping[str, list[str]]):
        self.panel, self.options = panel, {option.name: option for option in options}
        self.widgets = {name: self._made(option, given.get(name), fitting.get(name, ())) for name, option in self.options.items()}
        named = [widget for name, widget in self.widgets.items() if self.options[name].kind == EXPRESSION]
        rows = [self._row(option) for option in self.options.values() if option.kind != EXPRESSION]
        wrapped = panel.made.Layout(flex_flow="row wrap")
        self.box = panel.made.VBox([*([panel.made.HBox(named, layout=wrapped)] if named else []), *rows])

    def typed(self) -> dict[str, str]:
        """What differs from the defaults, as text after the options' names."""
        found = {name: _text(self.options[name], widget.value) for name, widget in self.widgets.items()}
        return {name: text for name, text in found.items() if text is not None}

    def _row(self, option: Option) -> Any:
        meaning, centred = self.panel.text(look.line(option.meaning)), self.panel.made.Layout(align_items="center")
        return self.panel.made.HBox([self.widgets[option.name], meaning], layout=centred)

    def _made(self, option: Option, given: str | None, fitting: Iterable[str]) -> Any:
        made, label = self.panel.made, {"description": option.name.replace("_", " "), "style": _LABEL}
        start = option.default if given is None else given
        if option.kind == FLAG:
            on = (option.default is True) != (given is not None)
            return made.Checkbox(value=on, **label, layout=made.Layout(width="auto", min_width="16em"))
        label["layout"] = made.Layout(width="15em" if option.kind == EXPRESSION else "21em")
        number = _number(start, int if option.kind == WHOLE else float)
        if option.kind == WHOLE and number is not None:
            return made.BoundedIntText(value=number, min=min(0, number), max=_LARGEST, **label)
        if option.kind in (NUMBER, SECONDS) and number is not None:
            return made.FloatText(value=number, **label)
        if option.kind == EXPRESSION:
            label["style"] = _SHORT_LABEL
            hint = "the only one here" if fitting else "none"
            return made.Combobox(value=given or "", options=tuple(fitting), ensure_option=False, placeholder=hint, **label)
        return made.Text(value="" if start is None else str(start), placeholder="not given", **label)


def _number(value: Any, kind: type) -> Any:
    """The value as a number; None where it is none, such as an expression that was typed."""
    try:
        return None if value is None or isinstance(value, bool) else kind(str(value).removesuffix("s"))
    except ValueError:
        return None


def _text(option: Option, value: Any) -> str | None:
    """What would be typed behind the option; None where it would be left out.

    >>> _text(Option("steps", WHOLE, 300), 300), _text(Option("steps", WHOLE, 300), 20), _text(Option("plot", FLAG, True), False)
    (None, '20', '')
    """
    if option.kind == FLAG:
        return None if value is (option.default is True) else ""
    if isinstance(value, str):
        value = value.strip()
        return None if value == (option.default or "") or not value else value
    return None if value == option.default else f"{value!r}"
