from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.gradient_flow import attached
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import left_out
from ...instruments.source_edits import without_call
from ...instruments.source_lines import NOWHERE, where
from ...observations.cards.first_values import FirstValues
from ...observations.cards.parameters import Cut, ParameterCard, follows
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def detached_graph(parameters: ParameterCard, weights: FirstValues, run: OverfitBatch) -> Iterator[Evidence]:
    """Part of the model is cut off from the loss: it has an effect, and gets no gradient.

    `detach()`, `.data`, `.item()`, `no_grad` and `argmax` give numbers without a past; what lies before them never learns.

    Shows as: layers that keep their first weights; or, where all is cut, "element 0 of tensors does not require grad".
    Proven by: nudging the parameters moves the loss, and no gradient reaches them; with the cut undone on a copy the batch is memorised.
    Not this when: the parameters are frozen, unused, trained before, or follow others of their names and sizes (a target network).
    Fails: a cut through numpy, `item` or `argmax` can be shown and not undone.
    See: FSDL, "overfit a single batch", error plateaus: "gradients not flowing through the whole model".
    """
    silent = [p for p in parameters.named(in_graph=False) if p.requires_grad and p.moves_loss and p.in_optimizer]
    cuts = sorted(parameters.cuts, key=lambda cut: cut.kind == "no_grad")
    never_trained = any(p.name in weights.untrained for p in silent) and not follows(silent, parameters.named(in_graph=True))
    if silent and (never_trained or not run.passed):
        sure = Confidence.LIKELY if run.crash is None else Confidence.PROVEN
        yield _evidence(sure, ", ".join(p.name for p in silent[:4]), cuts[0] if cuts else None)


def _evidence(sure: Confidence, names: str, cut: Cut | None) -> Evidence:
    kind, place, line = (cut.kind, where(cut.module, cut.line), cut.line) if cut is not None else ("", "", NOWHERE)
    word = {"data": ".data", "no_grad": "no_grad()"}.get(kind, f"{kind}()" if kind else "cut")
    cut_at, edits = f"{word} in {place}" if place else "not seen", left_out(line.spot, kind) if kind[:1] == "d" else ()
    fix = Fix(f"Take the {word} out of the way from the input to the loss.", without_call(line.source, kind), "the graph left whole", edits)
    return Evidence(
        sure,
        facts=(Fact("parameters that move the loss and get no gradient", names, "none"), Fact("where the graph is cut", cut_at, "nowhere")),
        where=place,
        fix=fix,
        cure=attached if kind in ("detach", "detach_", "data", "no_grad") else None,
        always=True,
        refuted_by="A gradient that reaches these parameters.",
    )


class _TwoParts(nn.Module):
    def __init__(self, cut: bool):
        super().__init__()
        self.encoder, self.head, self.cut = nn.Sequential(nn.Linear(8, 4), nn.Tanh()), nn.Linear(4, 1), cut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        code = self.encoder(x)
        return self.head(code.detach() if self.cut else code)


def _program(cut: bool) -> Subject:
    torch.manual_seed(0)
    net = _TwoParts(cut)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=3e-2), values())


@detached_graph.bad
def detaches_the_code() -> Subject:
    return _program(cut=True)


@detached_graph.good
def keeps_the_graph() -> Subject:
    return _program(cut=False)
