"""How panels look: each text sets both its colour and what is behind it, from the page's theme; dark on light where it has none."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

_PLAIN = "color:var(--jp-content-font-color1,#1a1a1a);background:var(--jp-layout-color0,#ffffff)"
_FAINT = "color:var(--jp-content-font-color1,#1a1a1a);background:var(--jp-layout-color2,#eeeeee)"
_MAIN = "color:var(--jp-ui-inverse-font-color1,#ffffff);background:var(--jp-brand-color1,#1976d2)"
_LIVE = re.compile(r"<(button|small|style)\b.*?</\1>", re.DOTALL)


def line(text: str, role: str = "") -> str:
    """A line of text; `role` is what a screen reader is told about it.

    >>> "&lt;b&gt;" in line("<b>"), 'role="status"' in line("", "status")
    (True, True)
    """
    told = f' role="{role}" aria-live="polite"' if role else ""
    return f'<div{told} style="{_PLAIN};line-height:1.5;padding:1px 4px;white-space:normal">{html.escape(text)}</div>'


def heading(text: str) -> str:
    """The panel's own title."""
    return f'<h4 style="{_FAINT};margin:0;padding:4px 8px">{html.escape(text)}</h4>'


def card(inner: str) -> str:
    """HTML of ours on a ground of its own, drawn as the notebook draws outputs."""
    return f'<div class="jp-RenderedHTMLCommon" style="{_PLAIN};padding:2px 8px;line-height:1.4">{inner}</div>'


def folded(text: str, summary: str, long: str) -> str:
    """A status line with what is too long for it behind a summary."""
    style = f"{_PLAIN};padding:1px 4px"
    more = f'<details style="{style}"><summary>{html.escape(summary)}</summary><pre style="{style}">{html.escape(long)}</pre></details>'
    return line(text, "status") + more


def button(label: str, command: str, arguments: str, *, wide: bool = False, primary: bool = False) -> str:
    """A button that asks the notebook itself to do something: JupyterLab runs `command` with these arguments, as JSON.

    `wide`: as wide as what it stands in, as the buttons of a column are. `primary`: the one to press next.
    """
    asked = f'data-commandlinker-command="{command}" data-commandlinker-args="{html.escape(arguments, quote=True)}"'
    border = "border:0;width:100%;min-height:28px" if wide else "border:1px solid currentColor"
    style = f"{_MAIN if primary else _FAINT};{border};border-radius:2px;padding:3px 10px;cursor:pointer;font-size:13px"
    return f'<button type="button" {asked} style="{style}">{html.escape(label)}</button>'


def rung(title: str, lines: Sequence[str], more: str = "", *, here: bool = False) -> str:
    """A rung of a ladder: its title, how it stands, and HTML below; where one is `here`, a bar says so beside the words."""
    bar = "var(--jp-brand-color1,#1976d2)" if here else "var(--jp-border-color2,#bdbdbd)"
    told = "".join(f"<div>{html.escape(text)}</div>" for text in lines)
    style = f"{_PLAIN};border-left:{4 if here else 1}px solid {bar};padding:3px 4px 3px {8 if here else 11}px;margin:1px 0;line-height:1.45"
    return f'<div style="{style};white-space:normal"><b>{html.escape(title)}</b>{told}{more}</div>'


def behind(summary: str, code: str) -> str:
    """Code to copy, behind a summary."""
    inside = f'<pre style="{_FAINT};margin:4px 0;padding:4px 8px;line-height:1.35"><code>{html.escape(code)}</code></pre>'
    return f'<details><summary style="cursor:pointer">{html.escape(summary)}</summary>{inside}</details>'


def hint(text: str) -> str:
    """A word on what only a live panel has."""
    return f"<small>{html.escape(text)}</small>"


def still(widget: Any) -> str:
    """What a box of widgets shows, as HTML that needs no kernel: its texts and pictures; of the controls their labels and values.

    Buttons and hints have nothing to say, and a control's own row says no more than its setting.
    """
    return "".join(_texts(widget))


def settings(widget: Any) -> list[str]:
    """The label and the value of each control in a box."""
    if _is_control(widget):
        return [f"{widget.description}: {widget.value}"]
    return [line for child in getattr(widget, "children", ()) for line in settings(child)]


def _texts(widget: Any) -> list[str]:
    children: Sequence[Any] = getattr(widget, "children", ())
    if any(_is_control(child) for child in children):
        return []
    own = _LIVE.sub("", str(widget.value)) if hasattr(widget, "value") else ""
    return [own, *(text for child in children for text in _texts(child))]


def _is_control(widget: Any) -> bool:
    return bool(hasattr(widget, "value") and getattr(widget, "description", ""))
