"""What a magic takes when the line names nothing: the only model, loss, optimizer and training loader of the notebook.

Where there are two of a kind the choice is the user's: a diagnosis of the wrong model is worse than a question.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.errors import UserMistake
from .names import is_module
from .roles import part


def models(visible: Mapping[str, Any]) -> dict[str, Any]:
    """The models by name: modules that are no loss and no part of another one. Those without parameters count only where all are so."""
    modules = {name: thing for name, thing in _unique(visible).items() if is_module(thing) and not _is_loss_module(thing)}
    inner = {id(below) for thing in modules.values() for below in thing.modules() if below is not thing}
    outer = {name: thing for name, thing in modules.items() if id(thing) not in inner}
    return {name: thing for name, thing in outer.items() if any(True for _ in thing.parameters())} or outer


def losses(visible: Mapping[str, Any]) -> dict[str, Any]:
    """The losses by name: loss modules, and functions of two values whose name says so."""
    return {name: thing for name, thing in _unique(visible).items() if _is_loss_module(thing) or _is_loss_function(name, thing)}


def optimizers(visible: Mapping[str, Any]) -> dict[str, Any]:
    """The optimizers by name."""
    from torch.optim import Optimizer

    return {name: thing for name, thing in _unique(visible).items() if isinstance(thing, Optimizer)}


def loaders(visible: Mapping[str, Any]) -> dict[str, Any]:
    """The DataLoaders by name: those called train where exactly one is, else all."""
    found = _all_loaders(visible)
    train = {name: thing for name, thing in found.items() if "train" in name.lower() or "trn" in name.lower()}
    return train if len(train) == 1 else found


def by_part(visible: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All that could be named for each option of that name, aliases too."""
    modules = {name: thing for name, thing in visible.items() if is_module(thing)}
    data = _all_loaders(visible)
    return {"model": modules, "loss": losses(visible), "optimizer": optimizers(visible), "train": data, "val": data}


_FINDERS = {"model": models, "loss_fn": losses, "optimizer": optimizers, "train": loaders}


def only(field: str, visible: Mapping[str, Any], model: Any = None) -> str:
    """The name of the only thing in the notebook that fits a field, empty where there is none; several are a question to the user."""
    found = _FINDERS[field](visible)
    if field == "optimizer" and len(found) > 1:
        found = {name: thing for name, thing in found.items() if shares_parameters(thing, model)} or found
    if len(found) > 1:
        flag = "loss" if field == "loss_fn" else field
        listed = ", ".join(f"`{name}`" for name in found)
        none = "" if field in ("model", "train") else ", or None for none"
        raise UserMistake(f"several things here could be the {part(field)}: {listed}", do=f"name one (--{flag} {next(iter(found))}{none})")
    return next(iter(found), "")


def shares_parameters(optimizer: Any, model: Any) -> bool:
    """True where the optimizer holds at least one parameter of the model."""
    own = {id(parameter) for parameter in model.parameters()} if is_module(model) else set()
    return any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"])


def _all_loaders(visible: Mapping[str, Any]) -> dict[str, Any]:
    from torch.utils.data import DataLoader

    return {name: thing for name, thing in _unique(visible).items() if isinstance(thing, DataLoader)}


def _unique(visible: Mapping[str, Any]) -> dict[str, Any]:
    """Each thing under its first name: `model = net` makes no second model."""
    seen: dict[int, str] = {}
    for name, thing in visible.items():
        seen.setdefault(id(thing), name)
    return {name: visible[name] for name in seen.values()}


def _is_loss_module(thing: Any) -> bool:
    return is_module(thing) and (type(thing).__name__.endswith("Loss") or type(thing).__module__ == "torch.nn.modules.loss")


def _is_loss_function(name: str, thing: Any) -> bool:
    """A function that takes an output and a target, and is called a loss or a criterion."""
    if not isinstance(thing, (types.FunctionType, functools.partial)) or not any(word in name.lower() for word in ("loss", "criterion")):
        return False
    return _takes_two(inspect.signature(thing).parameters.values())


def _takes_two(parameters: Iterable[inspect.Parameter]) -> bool:
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    return len(needed) <= 2 <= len(places)
