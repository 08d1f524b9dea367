"""Tensors that do not fit together in one call: the changes by which they would, the most believable first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...cures.pairs import cut, in_size, joined_along, paired, state_dropped
from ...engine.evidence import Fix
from ...engine.subject import Subject
from .concatenation import concatenated
from .failure import Failure
from .held import of_held, upsampled
from .joining import differing, elementwise, stacked
from .masks import of_masks, of_states
from .views import of_view

if TYPE_CHECKING:
    from . import ShapeTrace

Repair = tuple[Fix, Callable[[Subject], Subject]]
JOINING = frozenset(("cat", "concat", "concatenate"))
MULTIPLYING = frozenset(("matmul", "__matmul__", "__rmatmul__", "bmm", "mm"))
COMPARING = frozenset(
    "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits cross_entropy".split()
)
_MADE = frozenset("zeros ones full empty rand randn".split())
_SAYS = (
    "must match the size of tensor", "Sizes of tensors must match", "same number of dimensions", "stack expects each tensor",
    "Expected size for first two dimensions", "cannot be multiplied", "attn_mask", "key_padding_mask", "Expected hidden",
    "is invalid for input of size", "spatial sizes don't match", "must match the existing size", "inconsistent tensor size",
    "broadcast shape", "does not broadcast", "size mismatch", "must be the same as input size", "different to the input size",
    "shape mismatch",
)  # fmt: skip


def is_mismatch(failure: Failure) -> bool:
    """Whether torch refused shapes that do not go together."""
    return failure.kind in ("RuntimeError", "ValueError", "AssertionError", "IndexError") and any(failure.says(piece) for piece in _SAYS)


def pair(failure: Failure) -> tuple[int, int] | None:
    """The two tensors that do not agree, by their places: the first, and the first that is unlike it."""
    shapes = [form.shape for form in failure.inputs]
    unlike = next((place for place in range(1, len(shapes)) if shapes[place] != shapes[0]), None)
    return (0, unlike) if unlike is not None else (0, 1) if len(shapes) > 1 else None


def repairs(trace: ShapeTrace, failure: Failure) -> Iterator[Repair]:
    """The changes for this call."""
    call, two = failure.operation, pair(failure)
    if failure.phase == "step":
        yield (
            Fix("Make a new optimizer for the parameters as they are.", "optimizer = Adam(...)", "an optimizer without the old state"),
            state_dropped,
        )
    elif call in ("view", "reshape"):
        yield from of_view(failure)
    elif failure.says("attn_mask") or failure.says("key_padding_mask") or call == "scaled_dot_product_attention":
        yield from of_masks(failure)
    elif failure.says("Expected hidden"):
        yield from of_states(failure)
    elif two is not None:
        a, b = (failure.inputs[place].shape for place in two)
        if call in MULTIPLYING:
            yield from _of_product(failure, a, b)
        else:
            if call not in JOINING:
                yield from of_held(trace, failure, two)
            yield from _of_pair(trace, failure, a, b)


def _of_pair(trace: ShapeTrace, failure: Failure, a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[Repair]:
    call, dim = failure.operation, failure.arguments.get("dim", failure.arguments.get("1", 0))
    if call in COMPARING or failure.phase == "loss":
        yield from _of_loss(trace, failure, a, b)
        return
    yield from _of_made(failure, a, b)
    if call in JOINING:
        yield from _along_another(call, a, b, dim)
        found = concatenated(a, b, dim % max(len(a), len(b)))
    elif call == "stack":
        found = stacked(a, b)
    else:
        found = elementwise(a, b, maps=any("Conv" in row.kind for row in trace.rows))
    for join in found:
        yield Fix(join.sentence, join.code, join.done), paired(call, join.changed, join.change)
    yield from upsampled(trace, a, b)


def _of_made(failure: Failure, a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[Repair]:
    """A tensor that `forward` makes for more samples than there are."""
    for changed, (own, other) in enumerate(((a, b), (b, a))):
        if len(a) == len(b) and own[0] > other[0] and own[1:] == other[1:] and failure.origins[changed].name in _MADE:
            call = failure.origins[changed].name
            yield (
                Fix("Make it for the batch at hand.", f"torch.{call}(len(x), ...)", f"{call} for the batch"),
                paired(failure.operation, changed, cut),
            )


def _of_loss(trace: ShapeTrace, failure: Failure, a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[Repair]:
    """An output of other rows and columns than its target: never of other samples or classes."""
    classes_last = len(a) == len(b) + 1 and a[1:-1] == b[1:]
    if len(a) > 2 and a[0] == b[0] and not classes_last and (len(a) == len(b) + 1 or a[1] == b[1]):
        yield from upsampled(trace, a, b)
        code = "F.interpolate(output, size=target.shape[-2:])"
        yield Fix("Bring the output to the target's size.", code, "an output of the target's size"), paired(failure.operation, 0, in_size)


def _along_another(call: str, a: tuple[int, ...], b: tuple[int, ...], dim: int) -> Iterator[Repair]:
    axes = differing(a, b, -1) if len(a) == len(b) else []
    if len(axes) == 1 and axes[0] != dim % len(a) and axes[0] > 0:
        yield Fix(f"Join them along axis {axes[0]}.", f"torch.cat(..., dim={axes[0]})", f"dim={axes[0]}"), joined_along(call, axes[0])


def _of_product(failure: Failure, a: tuple[int, ...], b: tuple[int, ...]) -> Iterator[Repair]:
    call, fix = failure.operation, Fix("Exchange the last two axes of the second.", "x @ y.transpose(-2, -1)", "the second one transposed")
    if len(b) > 1 and b[-1] == a[-1]:
        yield fix, paired(call, 1, lambda x, like: x.transpose(-2, -1))
    if len(a) > 1 and len(b) > 1 and a[-2] == b[-2]:
        fix = Fix("Exchange the last two axes of the first.", "x.transpose(-2, -1) @ y", "the first one transposed")
        yield fix, paired(call, 0, lambda x, like: x.transpose(-2, -1))
