"""Which mutants are asked: all, some classes, some programs, the twelve common faults, or a few of every class."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

TWELVE = {
    "softmax before cross entropy": "softmax_before_cross_entropy",
    "sigmoid before BCE with logits": "sigmoid_before_bce_logits",
    "flipped sign": "flipped_loss_sign",
    "rate 100 times too high": "lr_too_high",
    "rate 100 times too low": "lr_too_low",
    "final ReLU": "relu_on_logits",
    "broadcast loss": "loss_broadcast",
    "frozen layer": "requires_grad_false",
    "stale optimizer": "optimizer_wrong_params",
    "layers in a plain list": "params_in_plain_list",
    "detached graph": "detached_graph",
    "inputs 0..255": "input_not_normalised",
}


def limited(names: Iterable[str], limit: int | None) -> list[str]:
    """One of each class, then another of each, and so on, until there are enough; the same ones every time.

    Every class begins elsewhere in its list, so that a few of them come from programs of many kinds.

    >>> limited(["a/1", "a/2", "b/1"], 2)
    ['a/1', 'b/1']
    """
    classes = [list(group) for _, group in itertools.groupby(names, lambda name: name.partition("/")[0])]
    turned = [group[3 * number % len(group) :] + group[: 3 * number % len(group)] for number, group in enumerate(classes)]
    return list(itertools.islice(_in_turns(turned), limit))


def _in_turns(classes: list[list[str]]) -> Iterator[str]:
    for turn in itertools.zip_longest(*classes):
        yield from (name for name in turn if name is not None)


def fits(name: str, faults: list[str] | None, programs: list[str] | None) -> bool:
    """Whether `fault/program/spelling` was asked for.

    >>> fits("lr_too_low/wine/100", None, ["wine"]), fits("lr_too_low/wine/100", ["lr_too_high"], None)
    (True, False)
    """
    fault, program, *_ = name.split("/")
    return (not faults or fault in faults) and (not programs or program in programs)
