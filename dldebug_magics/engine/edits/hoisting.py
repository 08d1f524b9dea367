"""A layer that is made in every pass, made once instead: its call goes to `__init__`, and its name stands where it was."""

from __future__ import annotations

import ast
import dataclasses
import re

from .listing import Listing
from .parts import Part, call_of, calls_of
from .scopes import bound
from .statements import Refused, loops_around, names, within

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclasses.dataclass(frozen=True)
class Hoist:
    """Make what the only call of `name` in a method makes in `__init__`, right behind `super().__init__()`, and use it where it stood.

    The spot is a line of the method: that where it is made, or where it is called.
    """

    spot: tuple[str, int]
    name: str
    around: str = ""

    def on(self, page: Listing) -> None:
        statement = self._maker(page)
        number = page.rows[statement.lineno - 1].number
        text, chain = page.text(statement), within(page.tree, statement.lineno)
        own = next((s for s in reversed(chain) if isinstance(s, ast.ClassDef)), None)
        functions = [s for s in chain if isinstance(s, _FUNCTIONS)]
        call, made = call_of(text, Part(self.name, "()"))
        if own is None or len(functions) != 1 or functions[0] not in own.body or loops_around(chain, statement.lineno):
            raise Refused("not made once a pass, by a method of a class")
        if names([call], ast.Load) & set(bound(functions[0])) or text.count(made) != 1:
            raise Refused("it is made of what the pass has, or its like stands there twice")
        new = _free(f"self.{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', self.name).lower()}", own)
        page.insert(_begun(own), f"{new} = {made}", after=True)
        page.rewrite(page.statement(number), text.replace(made, new))

    def _maker(self, page: Listing) -> ast.stmt:
        """The only statement of the method that makes it."""
        held = [s for s in within(page.tree, page.statement(self.spot[1]).lineno) if isinstance(s, _FUNCTIONS)]
        simple = [s for s in ast.walk(held[-1]) if isinstance(s, ast.stmt) and not hasattr(s, "body")] if held else []
        found = [s for s in simple if calls_of(page.text(s), self.name)]
        if len(found) != 1:
            raise Refused(f"{self.name} is made {len(found)} times")
        return found[0]


def _free(name: str, own: ast.ClassDef) -> str:
    """A name that the class does not use yet."""
    used = {ast.unparse(n) for n in ast.walk(own) if isinstance(n, ast.Attribute)} | {
        f"self.{n.name}" for n in own.body if isinstance(n, _FUNCTIONS)
    }
    return next(one for one in (name, *(f"{name}_{number}" for number in range(2, 99))) if one not in used)


def _begun(own: ast.ClassDef) -> ast.stmt:
    """The statement of `__init__` after which a module takes layers."""
    makers = [s for s in own.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"]
    found = [s for maker in makers for s in maker.body if re.fullmatch(r"super\(.*\)\.__init__\(\)", ast.unparse(s))]
    if len(found) != 1:
        raise Refused("where its parts are made is not known")
    return found[0]
