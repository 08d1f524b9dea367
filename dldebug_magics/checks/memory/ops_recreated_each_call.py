from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.memory import in_words
from ...engine.subject import Subject
from ...observations.cards.made_anew import MadeAnew
from ..small_data import classes


@check(severity=Severity.ERROR)
def ops_recreated_each_call(made: MadeAnew) -> Iterator[Evidence]:
    """Layers are made anew in every call of `forward`, so their weights are random each time and never trained.

    The optimizer was given the parameters that were there when it was made; those of a layer that `forward` builds are not among them,
    and are gone after the step.

    Shows as: a loss that jumps and hardly falls, and memory that churns.
    Proven by: the parameters that a second call of the model registered.
    Not this when: a lazy layer gets its shape in the first call; modules without parameters (a loss, an activation) are made in `forward`.
    Fails: weights drawn by hand (`torch.randn` in `forward`) are no parameters and are not seen.
    See: FSDL, "out of memory": an operation created again at each call; torch.nn.Module, layers are assigned in `__init__`.
    """
    if not made.parameters:
        return
    kinds = ", ".join(made.kinds[:3])
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("parameters made in a second call", f"{made.parameters}, in {kinds} ({in_words(made.size)})", "0"),
            *((Fact("the line", made.source),) if made.source else ()),
        ),
        where=made.where,
        fix=Fix(f"Make the {kinds} once, in `__init__`, and use it in `forward`.", f"self.layer = nn.{made.kinds[0]}(...)   # in __init__"),
        always=True,
        refuted_by="A second call that registers no parameter.",
    )


class _Net(nn.Module):
    def __init__(self, anew: bool):
        super().__init__()
        self.body, self.head, self.anew = nn.Linear(20, 32), nn.Linear(32, 10), anew

    def forward(self, x: Tensor) -> Tensor:
        head = nn.Linear(32, 10) if self.anew else self.head
        return head(nn.ReLU()(self.body(x)))


def _program(anew: bool) -> Subject:
    torch.manual_seed(0)
    net = _Net(anew)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@ops_recreated_each_call.bad
def a_head_for_every_call() -> Subject:
    return _program(anew=True)


@ops_recreated_each_call.good
def one_head() -> Subject:
    return _program(anew=False)
