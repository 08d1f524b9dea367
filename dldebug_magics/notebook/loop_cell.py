"""A cell for `%%watch`: a plain training loop in the notebook's own names, which runs as it is where all of its parts are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.errors import UserMistake
from . import candidates
from .names import Names, is_module
from .roles import part

_PARTS = ("model", "loss_fn", "optimizer", "train")
_BLANKS = {"model": "model", "loss_fn": "loss_fn", "optimizer": "optimizer", "train": "train_loader"}
_LOOP = """{model}.train()
for epoch in range(2):
    for inputs, targets in {train}:{moved}
        {optimizer}.zero_grad()
        loss = {loss_fn}({model}(inputs), targets)
        loss.backward()
        {optimizer}.step()"""
_OF_STEP = """{model}.train()
for epoch in range(2):
    for batch in {train}:
        {optimizer}.zero_grad()
        loss = {step}(batch)
        loss.backward()
        {optimizer}.step()"""


def watched_loop(kept: Mapping[str, str], names: Names) -> tuple[str, str]:
    """The cell, and what must be filled in there, which is empty where it runs as it is. `kept`: what `%subject` named."""
    found, lacks = _found(kept, names)
    plain = {field: text for field, text in found.items() if text.replace(".", "").isidentifier()}
    made = {field: f"{_BLANKS[field]} = {text}" for field, text in found.items() if field not in plain}  # once, and not at each mention
    head = " ".join(["%%watch", *(plain[field] for field in ("model", "optimizer") if field in plain)])
    used = {field: plain.get(field, blank) for field, blank in _BLANKS.items()}
    if "step" in kept:
        lacks.pop("loss_fn", None)
        loop = _OF_STEP.format(**used, step=kept["step"])
    else:
        loop = _LOOP.format(**used, moved=_moved(names, plain.get("model")))
    lacking = f"To fill in: {'; '.join(lacks.values())}." if lacks else ""
    return "\n".join([head, *([f"# {lacking}"] if lacking else []), *made.values(), loop]), lacking


def _found(kept: Mapping[str, str], names: Names) -> tuple[dict[str, str], dict[str, str]]:
    """The parts that are known, in the user's words, and what is to be said of the others."""
    found: dict[str, str] = {}
    lacks: dict[str, str] = {}
    for field in _PARTS:
        try:
            model = names.everything.get(found.get("model", ""))
            text = kept[field] if field in kept else candidates.only(field, names.visible(), model)
            lack = "" if _fits(field, text, names) else f"no {part(field)} is known here"
        except UserMistake as mistake:  # two of a kind: the choice is the user's
            text, lack = "", next(iter(str(mistake).split("; "))).splitlines()[0]
        if lack:
            lacks[field] = lack
        else:
            found[field] = text
    return found, lacks


def _fits(field: str, text: str, names: Names) -> bool:
    """Whether there is something, and a loop can do with it what loops do. An expression is believed: evaluating it might make things."""
    if text not in names.everything:
        return bool(text) and text != "None"
    value, wanted = names.everything[text], {"optimizer": "zero_grad", "train": "__iter__"}.get(field, "__call__")
    return value is not None and not isinstance(value, type) and hasattr(value, wanted)


def _moved(names: Names, model: str | None) -> str:
    """A line that brings a batch to where the model is, if that is not the CPU."""
    value: Any = names.everything.get(model or "")
    devices = {str(parameter.device) for parameter in value.parameters()} if is_module(value) else set()
    if len(devices) != 1 or devices == {"cpu"}:
        return ""
    device = repr(devices.pop()).replace("'", '"')
    return f"\n        inputs, targets = inputs.to({device}), targets.to({device})"
