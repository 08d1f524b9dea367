"""Parts of one statement, found by its tree and changed in its text: all around them stays as it was typed."""

from __future__ import annotations

import ast

from .parts import Part, before, calls_of, only, part_of
from .places import offsets, put_for
from .statements import Refused, tree_of

_CUTS = {"tensor", "as_tensor", "Variable", "item", "detach", "data", "requires_grad_", "float"}  # off a graph, or put around what has none
_MODULES = {"", "F", "torch", "functional", "nn", "special", "self"}  # of functions rather than tensors


def unwrapped(text: str, name: str) -> str:
    """The statement with what each call of `name` was given, or was called on, in its place; so for the attribute `data`, and the sign `-`.

    >>> unwrapped("return F.softmax(self.head(x), dim=1)", "softmax"), unwrapped("z = (a + b).detach() * 2", "detach")
    ('return self.head(x)', 'z = (a + b) * 2')
    """
    found = _kept(text, name)
    if not found:
        raise Refused(f"{name} is not there")
    while found:
        text = put_for(text, *found[0])
        found = _kept(text, name)
    return text


def attached(text: str) -> str:
    """The statement with its value as it was before it was made a number, or cut off its graph.

    >>> attached("loss = torch.tensor(F.mse_loss(out, y).item(), requires_grad=True)"), attached("loss = cost.detach().requires_grad_()")
    ('loss = F.mse_loss(out, y)', 'loss = cost')
    """
    value = inner = part_of(text, Part())
    gone = set[str]()
    while isinstance(inner, ast.Call | ast.Attribute) and (name := ast.unparse(getattr(inner, "func", inner)).rpartition(".")[2]) in _CUTS:
        inner = inner.value if isinstance(inner, ast.Attribute) else inner.args[0] if _takes(inner) else before(inner)
        gone.add(name)
    if not gone - {"requires_grad_"}:
        raise Refused("its graph is not cut off there")
    return put_for(text, value, inner)


def _kept(text: str, name: str) -> list[tuple[ast.expr, ast.expr]]:
    """Each call of a function, and what it was given or was called on."""
    if name == "-":
        nodes = list(ast.walk(tree_of(text)))
        signs: list[tuple[ast.expr, ast.expr]] = [
            (n, n.operand) for n in nodes if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub)
        ]
        times = [(n.left, n.right, n) for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)]
        turned: list[tuple[ast.expr, ast.expr]] = [
            (n, kept) for a, b, n in times for one, kept in ((a, b), (b, a)) if ast.unparse(one) in ("-1", "-1.0")
        ]
        return turned or [(n, operand) for n, operand in signs if not isinstance(operand, ast.Constant)]
    found: list[tuple[ast.expr, ast.expr]] = [(call, call.args[0] if _takes(call) else before(call)) for call in calls_of(text, name)]
    return found + [(n, n.value) for n in ast.walk(tree_of(text)) if isinstance(n, ast.Attribute) and n.attr == name == "data"]


def with_argument(text: str, name: str, keyword: str, value: str, place: int = -1) -> str:
    """The statement with an argument of its only call of `name` set to a value, or added; `place`: where it stands without a keyword.

    >>> with_argument("x = dropout(x)", "dropout", "training", "self.training"), with_argument("softmax(x, 0)", "softmax", "dim", "1", 1)
    ('x = dropout(x, training=self.training)', 'softmax(x, 1)')
    """
    call = only(calls_of(text, name), name)
    given = [k.value for k in call.keywords if k.arg == keyword] or call.args[place : place + 1] * (place >= 0)
    if given:
        return put_for(text, given[0], None, value)
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise Refused("what it is given is not written there")
    last = max((offsets(text, a)[1] for a in (*call.args, *(k.value for k in call.keywords))), default=0)
    place = last or offsets(text, call)[1] - 1
    changed = f"{text[:place]}{', ' * bool(last)}{keyword}={value}{text[place:]}"
    if not any(k.arg == keyword for k in only(calls_of(changed, name), name).keywords):
        raise Refused("there is no place for it")
    return changed


def enclosed(text: str, part: Part, form: str) -> str:
    """The statement with a form around one of its parts, which stands for `{}` in it.

    >>> enclosed("total += loss", Part(), "{}.item()"), enclosed("losses.append(a + b)", Part("append", 0), "{}.item()")
    ('total += loss.item()', 'losses.append((a + b).item())')
    """
    node = part_of(text, part)
    return put_for(text, node, node, form)


def _takes(call: ast.Call) -> bool:
    """Whether a call is given what it works on, as a function or a layer is: `F.softmax(x)`, `self.softmax(x)`; not `x.softmax(1)`."""
    space = ast.unparse(call.func.value).split(".")[-1] if isinstance(call.func, ast.Attribute) else ""
    if space not in _MODULES and call.args and not isinstance(call.args[0], ast.Constant | ast.UnaryOp | ast.Call):
        raise Refused("whether it is given an axis or a tensor is not known")
    return bool(call.args) and (space in _MODULES or isinstance(call.args[0], ast.Call))
