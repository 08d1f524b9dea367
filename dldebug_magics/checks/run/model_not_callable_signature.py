from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.evidence import Evidence, Fact, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.signature import SignatureCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.calling import calls
from ...observations.shape_trace.containers import changes, container


@check(severity=Severity.ERROR)
def model_not_callable_signature(trace: ShapeTrace, card: SignatureCard) -> Iterator[Evidence]:
    """The model, a layer or the loss is called with something else than it takes.

    A loader gives a tuple or a dict, a recurrent layer gives its outputs and its state, a library's model gives a record. Whoever is handed
    that in the place of a tensor, or misses an argument, stops.

    Shows as: "missing 1 required positional argument", "argument 'input' must be Tensor, not tuple", "'tuple' object has no attribute ...".
    Proven by: the names that `forward` takes and those that the batch has do not meet; called with what it takes, a copy runs.
    Not this when: a target is an input, too, as in teacher forcing.
    Fails: an argument that only the program's author can make.
    Fix: Hand on the tensor in it, or name the arguments as `forward` names them.
    See: torch.nn.Module.forward; torch.nn.LSTM, "Outputs: output, (h_n, c_n)".
    """
    failure = trace.failure
    if failure is None:
        return
    place, kind = where(failure.module, failure.line), container(failure)
    if kind:
        fact = Fact(f"what stands where a tensor is wanted{f' in `{failure.module}`' if failure.module else ''}", kind, "a tensor")
        for sure, fix, cure in changes(trace, failure, kind):
            yield Evidence(sure, (fact,), place, fix, cure)
    for fact, sure, fix, cure in calls(failure, card):
        yield Evidence(sure, (fact,), place, fix, cure)


class _Last(nn.Module):
    def forward(self, given: tuple[Tensor, tuple[Tensor, Tensor]]) -> Tensor:
        return given[0][:, -1]


class _Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(20, 8), nn.Linear(8, 3)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        return self.head((self.words(tokens) * mask[..., None]).mean(1))


def _program(*between: nn.Module) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.LSTM(4, 12, batch_first=True), *between, nn.Linear(12, 3))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.randn(8, 6, 4), torch.randint(0, 3, (8,))))


@model_not_callable_signature.bad
def an_lstm_in_a_chain() -> Subject:
    return _program()


@model_not_callable_signature.bad
def a_mask_that_is_missing() -> Subject:
    torch.manual_seed(0)
    return Subject(_Masked(), nn.CrossEntropyLoss(), None, (torch.randint(0, 20, (8, 6)), torch.randint(0, 3, (8,))))


@model_not_callable_signature.good
def its_last_step_is_taken() -> Subject:
    return _program(_Last())
