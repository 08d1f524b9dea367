"""Noise that a program draws for itself in every pass (a diffusion step, a random mask) sets a floor that nobody knows."""

from __future__ import annotations

import math

import torch

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.subject import Subject


def redrawn(subject: Subject) -> bool:
    """Whether the program draws random numbers of its own in every pass, in evaluation mode, too: then nobody knows its floor."""
    modes = [(module, module.training) for module in subject.model.modules()]
    subject.model.eval()
    values = []
    for seed in (subject.seed, subject.seed + 1):
        seeded(seed)
        with torch.enable_grad():
            values.append(float(loss_of(subject).loss.detach()))
    for module, mode in modes:
        module.training = mode
    return not math.isclose(*values, rel_tol=1e-3, abs_tol=1e-6) and all(map(math.isfinite, values))
