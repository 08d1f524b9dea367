"""A loss, read off its graph right before the backward pass: its terms, with sign, factor, reduction, and what is fed to them.

The graph keeps what torch's own losses were given until the pass frees it; nothing is computed again, and nothing is added to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn

from ..source_lines import Line
from .fed import NOTHING, Fed, fed, saved

_LOSSES = {
    "NllLoss": "nll_loss", "NllLoss2D": "nll_loss", "MseLoss": "mse_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
    "BinaryCrossEntropy": "binary_cross_entropy", "BinaryCrossEntropyWithLogits": "binary_cross_entropy_with_logits",
    "CompiledFunction": "compiled",
}  # fmt: skip
_REDUCTIONS = ("none", "mean", "sum")
_PASSED = frozenset("View UnsafeView Reshape Squeeze Unsqueeze Clone ToCopy Alias Expand Select Permute Transpose T".split())
_MOST = 8  # terms
_DEEP = 24  # nodes down to a term


class Term(NamedTuple):
    """One term of a loss. `function`: torch's name for it; "squared", "absolute" or "likelihood" if written out; "number": a leaf;
    "compiled"; or "" where unknown.

    `factor`: what it is multiplied with on its way to the loss, sign and all. `reduction`: "mean", "sum", or "" where there is none.
    `number`: its place in the order in which the graph was made; `turned`: that of the last change of its sign. `fed`: what went in.
    The user's lines, empty where not known: `line` that made it, `source` that made what it is fed, `turn` that turned its sign.
    """

    function: str
    factor: float = 1.0
    reduction: str = ""
    number: int = -1
    turned: int = -1
    fed: Fed = NOTHING
    line: Line = Line()
    source: Line = Line()
    turn: Line = Line()


def terms_of(loss: Tensor | None) -> tuple[Term, ...]:
    """The terms of a loss.

    >>> import torch
    >>> out = torch.ones(4, 1, requires_grad=True)
    >>> [(t.function, t.factor, t.reduction) for t in terms_of(-torch.nn.functional.mse_loss(out, 0 * out.detach()) / 2 + out.abs().sum())]
    [('mse_loss', -0.5, 'mean'), ('', 1.0, 'sum')]
    """
    if loss is None or loss.grad_fn is None or loss.numel() != 1:
        return ()
    return tuple(itertools.islice(_terms(loss.grad_fn, Term("")), _MOST))


def kind(node: Any) -> str:
    """The operation that a node is of: `MeanBackward0` is `Mean`."""
    return str(node.name()).partition("Backward")[0]


def _terms(node: Any, so_far: Term, depth: int = 0) -> Iterator[Term]:
    name, parents = kind(node), [(place, parent) for place, (parent, _) in enumerate(node.next_functions) if parent is not None]
    if name in ("Add", "Sub") and depth < _DEEP and not len(node._input_metadata[0].shape):
        for place, parent in parents:
            minus = name == "Sub" and place == 1
            sign, turned = (-float(saved(node, "alpha") or 1), node._sequence_nr()) if minus else (1.0, so_far.turned)
            yield from _terms(parent, so_far._replace(factor=so_far.factor * sign, turned=turned), depth + 1)
        return
    passed = _passed(node, name, so_far, len(parents)) if depth < _DEEP else None
    if passed is not None and parents:
        yield from _terms(parents[0][1], passed, depth + 1)
    else:
        yield _term(node, name, so_far)


def _passed(node: Any, name: str, so_far: Term, parents: int) -> Term | None:
    """The term so far behind an operation that only scales, shapes or gathers up; None where this is the term itself."""
    if name in ("Mean", "Sum"):
        gathered = so_far.reduction or name.lower()
        count = math.prod(node.next_functions[0][0]._input_metadata[0].shape)
        divided = (
            name == "Sum" and not so_far.reduction and abs(so_far.factor) > 0 and math.isclose(abs(so_far.factor) * count, 1, rel_tol=1e-5)
        )
        return so_far._replace(
            reduction="mean" if divided else gathered, factor=math.copysign(1, so_far.factor) if divided else so_far.factor
        )
    if name == "Neg":
        return so_far._replace(factor=-so_far.factor, turned=node._sequence_nr())
    if name in ("Mul", "Div") and parents == 1 and (place := _place(node)) >= 0:
        constant = saved(node, "other" if place == 0 else "self")
        if (
            isinstance(constant, Tensor | float | int)
            and (not isinstance(constant, Tensor) or constant.numel() == 1)
            and not (name == "Div" and place)
        ):
            value = float(constant)
            scale = value if name == "Mul" else 1 / value if value else math.nan
            return so_far._replace(factor=so_far.factor * scale, turned=node._sequence_nr() if scale < 0 else so_far.turned)
    return so_far if name in _PASSED and parents == 1 else None


def _place(node: Any) -> int:
    return next((place for place, (parent, _) in enumerate(node.next_functions) if parent is not None), -1)


def is_number(terms: tuple[Term, ...]) -> bool:
    """Whether a loss is made of nothing but leaves that are no weights: numbers, which ask for gradients themselves.

    >>> one = Tensor([1.0])
    >>> is_number(terms_of(one.clone().requires_grad_() / 2)), is_number(terms_of(nn.Parameter(one) / 2))
    (True, False)
    """
    return bool(terms) and all(term.function == "number" for term in terms)


def _term(node: Any, name: str, so_far: Term) -> Term:
    function = _LOSSES.get(name) or _written_out(node, name)
    reduction = so_far.reduction
    if name in _LOSSES and not reduction:
        how = saved(node, "reduction")
        reduction = _REDUCTIONS[how] if isinstance(how, int) and 0 <= how < 3 else ""
    taken = fed(node, function) if function else NOTHING
    if function == "nll_loss" and taken.through == "log_softmax" and not taken.unnormalised > 0.01:
        function, taken = "cross_entropy", taken.behind()
    return so_far._replace(function=function, reduction=reduction.replace("none", ""), number=node._sequence_nr(), fed=taken)


def _written_out(node: Any, name: str) -> str:
    """A loss that the user wrote out: squares or absolute values of a difference, or the log-probability of what was seen."""
    parent: Any = node.next_functions[0][0] if node.next_functions else None
    below = kind(parent) if parent is not None else ""
    if name.endswith("AccumulateGrad") and not isinstance(node.variable, nn.Parameter) and node.variable.numel() == 1:
        return "number"
    if name == "Pow" and below == "Sub" and saved(node, "exponent") == 2:
        return "squared"
    if name == "Abs" and below == "Sub":
        return "absolute"
    if name in ("Gather", "Index") and below in ("LogSoftmax", "Log"):
        return "likelihood"
    if name == "Gather" and below == "Sub":  # what torch.distributions makes of logits
        inner = parent.next_functions
        return "likelihood" if len(inner) > 1 and inner[1][0] is not None and kind(inner[1][0]) == "Logsumexp" else ""
    return ""
