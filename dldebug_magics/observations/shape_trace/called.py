"""What a row is called: a module by its path within the one around it, an operation by its name and the axes or shape that it is told."""

from __future__ import annotations

from .folding import Node

_SHAPING = frozenset(  # operations that are told an axis or a shape
    "view reshape unflatten flatten permute transpose swapaxes swapdims movedim squeeze unsqueeze squeeze_ unsqueeze_ expand repeat "
    "repeat_interleave tile cat concat stack chunk split narrow select roll flip sum mean prod std var norm amax amin argmax argmin "
    "max min softmax log_softmax softmin cumsum topk sort unbind unfold glu normalize logsumexp any all".split()
)
_AXES = frozenset(("dim", "dim0", "dim1", "dims", "axis", "start_dim", "end_dim", "source", "destination", "shape", "size"))


def called(node: Node, above: str) -> str:
    """The name of a node below the module whose path is `above`; the first and the last where equal ones are folded."""
    row, times = node.row, f" x {node.times}" if node.times > 1 else ""
    if not row.is_module:
        told = row.settings.items() if row.kind in _SHAPING else ()
        given = [f"{value}" if name.isdigit() else f"{name}={value}" for name, value in told if name.isdigit() or name in _AXES]
        kind = row.kind.removeprefix("__").removesuffix("__")
        return f"{kind}({', '.join(given)}){times}" if given else f"{kind}{times}"
    name, last = (path.removeprefix(f"{above}.") if above else path for path in (row.path, node.last))
    paths = f"{name} to {last}" if last != name else name
    dim = f", dim={row.settings['dim']}" if "oftmax" in row.kind and "dim" in row.settings else ""
    never = ": not called" if row.phase == "never" else ""
    return f"{paths} {row.kind}{dim}{times}{never}".strip()
