from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.lazy_layers import initialised
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.history import width


@check(severity=Severity.ERROR)
def uninitialised_lazy_parameters(trace: ShapeTrace) -> Iterator[Evidence]:
    """A lazy layer's weights are used before it was called.

    `LazyLinear` and its like have no weights until their first call, which tells how many features there are. Who counts, sums or reads the
    parameters before that, or has a layer that is never called, asks for numbers that do not exist.

    Shows as: "Attempted to use an uninitialized parameter".
    Proven by: the parameter has no shape where it is read; with its layer built for a size a copy runs.
    Not this when: the layers are called first, as they are in every forward pass.
    Fails: an optimizer that reads the weights when it is made, before any pass.
    See: torch.nn.modules.lazy.LazyModuleMixin, "dry runs".
    """
    failure = trace.failure
    if failure is None or not failure.says("uninitialized parameter"):
        return
    name = next((origin.name for origin in failure.origins if origin.kind == "parameter"), "")
    path, features = name.rpartition(".")[0], width(trace)
    if features is None:
        return
    layer = module_expression(trace.name, path) if path else "the layer"
    fact = Fact(f"the parameter `{name}`", "no shape: its layer was not called", "a shape")
    fix = Fix(f"Build the layer for its {features} features.", f"{layer} = nn.Linear({features}, ...)   # not lazy", f"{features} features")
    yield Evidence(Confidence.LIKELY, (fact,), where(path, failure.line), fix, initialised(features))


class _Cosine(nn.Module):
    def __init__(self, head: nn.Linear):
        super().__init__()
        self.body, self.head = nn.Linear(6, 16), head

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(self.body(x).tanh(), self.head.weight)


def _program(head: nn.Linear) -> Subject:
    torch.manual_seed(0)
    return Subject(_Cosine(head), nn.CrossEntropyLoss(), None, (torch.randn(8, 6), torch.randint(0, 3, (8,))))


@uninitialised_lazy_parameters.bad
def a_head_whose_weight_is_read() -> Subject:
    return _program(nn.LazyLinear(3))


@uninitialised_lazy_parameters.good
def a_head_of_known_size() -> Subject:
    return _program(nn.Linear(16, 3))


@uninitialised_lazy_parameters.good
def lazy_layers_that_are_called() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(3))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), (torch.randn(8, 6), torch.randint(0, 3, (8,))))
