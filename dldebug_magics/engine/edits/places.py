"""Where a part of a statement stands in its text, and how another text is put there without a change of meaning around it."""

from __future__ import annotations

import ast

from .statements import Refused, tree_of


def offsets(text: str, node: ast.expr) -> tuple[int, int]:
    """Where a node's text begins and ends; Python before 3.12 does not know it for what stands in a text with braces."""
    rows = text.split("\n")

    def offset(line: int | None, column: int | None) -> int:
        before = rows[: (line or 1) - 1]
        return sum(len(row) + 1 for row in before) + len(rows[len(before)].encode()[:column].decode())

    begin, end = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
    if _dump(f"({text[begin:end]})") != ast.dump(ast.Module([ast.Expr(node)], [])):
        raise Refused("its place in the text is not known")
    return begin, end


def _dump(text: str) -> str:
    return ast.dump(tree_of(text))


def put_for(text: str, whole: ast.expr, kept: ast.expr | None, form: str = "{}") -> str:
    """Put a form around the kept part for the whole, in brackets where what stands around would read it otherwise."""
    begin, end = offsets(text, whole)
    own = "" if kept is None else text[slice(*offsets(text, kept))]
    wanted = form.replace("{}", f"({own})")
    meant = _dump(text[:begin] + f"({wanted})" + text[end:])
    for part in (form.replace("{}", own), wanted, f"({wanted})"):
        changed = text[:begin] + part + text[end:]
        if _dump(changed) == meant:
            return changed
    raise Refused("it reads otherwise then")
