"""The user's names. A word after a magic is looked up as Python would at that place; an expression is evaluated, and only once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..engine.errors import UserMistake
from .closest import did_you_mean


class Names:
    """What can be named where a magic stands: the notebook's names, and a function's own when it is called inside one."""

    def __init__(self, notebook: dict[str, Any], local: Mapping[str, Any] | None = None):
        inside = local is not None and local is not notebook
        self.everything: dict[str, Any] = {**notebook, **(local or {})} if inside else notebook

    def visible(self) -> dict[str, Any]:
        """The user's own names, without IPython's and the private ones."""
        return {name: value for name, value in self.everything.items() if not name.startswith("_") and name not in ("In", "Out")}

    def value(self, text: str) -> Any:
        """What a name or expression stands for; a `UserMistake` of one line where it stands for nothing.

        >>> Names({"net": 3}).value("net + 1")
        4
        >>> Names({"model": 3}).value("modle")
        Traceback (most recent call last):
        dldebug_magics.engine.errors.UserMistake: no name `modle` here; did you mean `model`?
        """
        if text in self.everything:
            return self.everything[text]
        try:
            return eval(text, self.everything)
        except NameError as error:
            raise UserMistake(*self._unknown(getattr(error, "name", None) or text)) from None
        except SyntaxError as error:
            reason = "put an expression with spaces in brackets"
            raise UserMistake(f"`{text}` is not an expression ({error.msg})", do=reason) from None
        except Exception as error:
            raise UserMistake(f"`{text}` raised {type(error).__name__}: {_first_line(error)}") from None

    def _unknown(self, name: str) -> tuple[str, ...]:
        known = self.visible()
        near = did_you_mean(name, known)
        models = ", ".join(f"`{other}`" for other, value in known.items() if is_module(value))
        listed = f" (modules in this notebook: {models})" if models else ""
        return (f"no name `{name}` here{'; ' + near if near else ''}{listed}",)


def is_module(thing: Any) -> bool:
    """True for a `torch.nn.Module`; without torch there are none, so asking imports nothing.

    >>> is_module("net")
    False
    """
    torch = sys.modules.get("torch")
    module = getattr(getattr(torch, "nn", None), "Module", None)
    return module is not None and isinstance(thing, module)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
