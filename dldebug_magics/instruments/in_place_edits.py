"""A line of the user's that writes into a tensor, as it reads where a new tensor is made instead."""

from __future__ import annotations

import ast


def out_of_place(source: str) -> str:
    """The statement without writing in place; empty where it can't be read, or writes into a part of a tensor.

    >>> out_of_place("gate += 1")
    'gate = gate + 1'
    >>> out_of_place("x.mul_(mask)")
    'x = x.mul(mask)'
    >>> out_of_place("return F.relu(x, inplace=True)")
    'return F.relu(x)'
    >>> out_of_place("rows[0] = x"), out_of_place("for row in rows:")
    ('', '')
    """
    try:
        (statement,) = ast.parse(source).body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, (ast.Name, ast.Attribute)):
        target = ast.unparse(statement.target)
        return f"{target} = {ast.unparse(ast.BinOp(ast.parse(target, mode='eval').body, statement.op, statement.value))}"
    changed = _Removal()
    statement = changed.visit(statement)
    if isinstance(statement, ast.Expr) and changed.written:
        return f"{changed.written} = {ast.unparse(statement)}"
    return ast.unparse(statement) if changed.done else ""


class _Removal(ast.NodeTransformer):
    """Takes the underscore off `x.add_(y)`, and `inplace=True` out of any call."""

    def __init__(self) -> None:
        self.done, self.written = False, ""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        kept = [keyword for keyword in node.keywords if keyword.arg != "inplace"]
        if len(kept) < len(node.keywords):
            node.keywords, self.done = kept, True
        if isinstance(node.func, ast.Attribute) and node.func.attr.endswith("_") and not node.func.attr.startswith("_"):
            self.written, node.func.attr, self.done = ast.unparse(node.func.value), node.func.attr.rstrip("_"), True
        return node
