"""A line of the user's with one call taken out: the changed line that a report can show, in the user's own words."""

from __future__ import annotations

import ast


def without_call(source: str, name: str) -> str:
    """The statement with calls of `name` replaced by what they are given; empty where the line can't be read or has no such call.

    >>> without_call("return F.softmax(self.head(x), dim=1)", "softmax")
    'return self.head(x)'
    >>> without_call("code = self.encoder(x).detach()", "detach")
    'code = self.encoder(x)'
    >>> without_call("return (", "softmax")
    ''
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    removal = _Removal(name)
    changed = ast.unparse(removal.visit(tree))
    return changed if removal.done else ""


class _Removal(ast.NodeTransformer):
    def __init__(self, name: str):
        self.name, self.done = name, False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func
        if isinstance(called, ast.Name) and called.id == self.name and node.args:
            self.done = True
            return node.args[0]
        if isinstance(called, ast.Attribute) and called.attr == self.name:
            self.done = True
            return node.args[0] if node.args and isinstance(node.args[0], ast.expr) and _is_namespace(called.value) else called.value
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr == self.name == "data":
            self.done = True
            return node.value
        return node


def _is_namespace(node: ast.expr) -> bool:
    """`F`, `torch`, `nn.functional`: a module of functions rather than a tensor."""
    return ast.unparse(node).split(".")[-1] in {"F", "torch", "functional", "nn", "special"}


def module_expression(model: str, path: str) -> str:
    """A module's path as the user would write it.

    >>> module_expression("net", "head.1.fc"), module_expression("net", "")
    ('net.head[1].fc', 'net')
    """
    steps = [f"[{step}]" if step.isdigit() else f".{step}" for step in path.split(".") if step]
    return model + "".join(steps)


def with_argument(source: str, name: str, argument: str) -> str:
    """The statement with an argument added to its calls of `name`; empty where the line can't be read or has no such call.

    >>> with_argument("x = F.dropout(x, 0.5)", "dropout", "training=self.training")
    'x = F.dropout(x, 0.5, training=self.training)'
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name]
    key, _, value = argument.partition("=")
    for call in calls:
        call.keywords.append(ast.keyword(key, ast.parse(value, mode="eval").body))
    return ast.unparse(tree) if calls else ""


def renamed_call(source: str, name: str, other: str) -> str:
    """The statement with calls of `name` made calls of `other`; empty where the line can't be read or has no such call.

    >>> renamed_call("x = x.view(len(x), -1)", "view", "reshape")
    'x = x.reshape(len(x), -1)'
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == name]
    for called in calls:
        called.attr = other
    return ast.unparse(tree) if calls else ""
