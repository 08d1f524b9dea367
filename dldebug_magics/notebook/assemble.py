"""From a line to a Subject: what the line names, else what `%subject` named, else the only candidates; and a sentence on what was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..engine.errors import UserMistake
from . import candidates
from .metric import metric_named
from .names import Names, is_module
from .optimizers import made
from .roles import SPLITS, Named, part

if TYPE_CHECKING:
    from ..engine.subject import Subject


def completed(
    given: Mapping[str, Named], kept: Mapping[str, str], names: Names, *, needs_loss: bool = True, any_split: bool = False
) -> tuple[dict[str, Named], tuple[str, ...]]:
    """All parts of the subject, and what the report should say of those that the line didn't name.

    Where the question needs no loss, none is taken that has nothing to compare with, and no optimizer of another model. Where any split
    will do, no optimizer is looked for, and no training data beside the splits that are named.
    """
    from_subject = {field: Named(text, _kept_value(field, text, names)) for field, text in kept.items() if field not in given}
    parts = {**given, **from_subject}
    found = {}
    for field in _looked_for(parts, any_split):
        if field not in parts and not (field == "loss_fn" and "step" in parts):
            name = candidates.only(field, names.visible(), parts["model"].value if "model" in parts else None)
            if name and (needs_loss or _belongs(field, names.value(name), parts)):
                found[field] = parts[field] = Named(name, names.value(name))
    if "model" not in parts:
        raise UserMistake("no model in this notebook", do="name one: model loss_fn optimizer train_loader")
    strange = "" if "optimizer" in given else _stranger(parts, names)
    said = (_sentence("From %subject", from_subject), _sentence("Taken from the notebook", found), strange, _made(parts))
    return parts, tuple(line for line in said if line)


def _looked_for(parts: Mapping[str, Named], any_split: bool) -> tuple[str, ...]:
    if not any_split:
        return ("model", "loss_fn", "optimizer", "train")
    return ("model", "loss_fn") if any(role in parts for role in SPLITS) else ("model", "loss_fn", "train")


def subject_of(parts: Mapping[str, Named], seed: int = 0, scope: Mapping[str, Any] | None = None, device: str = "") -> Subject:
    """The Subject made of these parts, which knows the user's words for them, and what else is alive where they were named."""
    from ..engine.subject import Subject

    texts = {field: named.text for field, named in parts.items() if named.value is not None}
    values: dict[str, Any] = {field: named.value for field, named in parts.items()}
    if isinstance(values.get("optimizer"), type) and is_module(values["model"]):
        values["optimizer"] = made(values["optimizer"], values["model"])
        del texts["optimizer"]  # the name of a kind is no name of the user's
    return Subject(**values, names=texts, seed=seed, scope=scope or {}, device=device)


def _belongs(field: str, value: Any, parts: Mapping[str, Named]) -> bool:
    """Whether a loss would find a target in the data that are named, and an optimizer the parameters of the model."""
    model, data = parts.get("model"), parts.get("train")
    if field == "loss_fn" and model is not None and data is not None and is_module(model.value):
        from ..engine.split import holds_inputs_only

        return not holds_inputs_only(model.value, data.value)
    return field != "optimizer" or model is None or candidates.shares_parameters(value, model.value)


def _kept_value(field: str, text: str, names: Names) -> Any:
    try:
        return metric_named(text, names) if field == "metric" else names.value(text)
    except UserMistake as mistake:
        raise UserMistake(f"{mistake} (`{text}` was named by %subject)", do="name it again, or %subject --clear") from None


def _stranger(parts: Mapping[str, Named], names: Names) -> str:
    """An optimizer that the user didn't name here and that holds nothing of the model: said, or asked where there are other models."""
    model, optimizer = parts["model"], parts.get("optimizer")
    if optimizer is None or not is_module(model.value) or not hasattr(optimizer.value, "param_groups"):
        return ""
    if candidates.shares_parameters(optimizer.value, model.value):
        return ""
    seen = f"`{optimizer.text}` holds no parameter of `{model.text}`"
    if any(other is not model.value for other in candidates.models(names.visible()).values()):
        raise UserMistake(seen, do="name the optimizer of this model, or None for none")
    return f"{seen}."


def _made(parts: Mapping[str, Named]) -> str:
    """An optimizer that was made for this question, from the name of its kind."""
    kind = parts["optimizer"].value if "optimizer" in parts else None
    return f"Made for this: {kind.__name__} with torch's defaults." if isinstance(kind, type) else ""


def _sentence(start: str, parts: Mapping[str, Named]) -> str:
    """One line on where parts come from.

    >>> _sentence("From %subject", {"model": Named("net", None), "loss_fn": Named("criterion", None)})
    'From %subject: model `net`, loss `criterion`.'
    """
    listed = ", ".join(f"{part(field)} `{named.text}`" for field, named in parts.items())
    return f"{start}: {listed}." if parts else ""
