"""Whether a run that stopped above the floor stands at a minimum of its own: then it learned what this model and this loss allow.

Free outputs reach a floor that no model of the kind may be able to: codes of length one under a temperature, a bottleneck, weights held by
a spectral norm, texts that begin alike. Their losses stop where they must. A second optimizer tells: L-BFGS on the same batch, with the
trained weights to start from, goes on at once where a rate was too low or a step was wrong, and stays where there is no way down.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...cures.regularisation import without_dropout
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.subject import Subject
from .curve import Floor

CLEARLY = 0.9  # of chance: what stands higher has learned little, at a minimum or not
_GAIN = 0.7  # of the excess: a second optimizer that gets this low has found a way down
_ITERATIONS = 50


def at_a_minimum(trained: Subject, floor: Floor, first: float) -> bool:
    """Whether L-BFGS, too, finds no way down from the weights that a run ended with. Changes the lent model."""
    quiet = without_dropout(trained)  # L-BFGS would learn one draw of its noise by heart
    try:
        losses = _second_try(quiet, [p for p in quiet.model.parameters() if p.requires_grad])
    except Exception:  # a program that can't be stepped in this way: the first verdict stands
        return False
    if not losses or not math.isfinite(losses[0]):
        return False
    before, after = floor.excess(losses[0], first), floor.excess(min(v for v in losses if math.isfinite(v)), first)
    return before <= CLEARLY and after >= _GAIN * before


def _second_try(trained: Subject, parameters: list[nn.Parameter]) -> list[float]:
    """The losses that L-BFGS looks at; every look draws the same random numbers."""
    solver, seen = torch.optim.LBFGS(parameters, max_iter=_ITERATIONS, line_search_fn="strong_wolfe"), []

    def closure() -> Tensor:
        seeded(trained.seed)
        solver.zero_grad()
        with torch.enable_grad():
            loss = loss_of(trained).loss
            loss.backward()
        seen.append(float(loss.detach()))
        return loss

    solver.step(closure)
    return seen
