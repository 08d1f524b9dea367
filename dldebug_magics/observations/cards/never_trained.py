"""Frozen layers whose weights lie as torch drew them: nobody trained them before they were frozen.

torch draws the weights of linear and convolutional layers evenly between -b and b, where b is 1 over the root of the inputs. A training
moves some of them over that edge, and the middle apart: what was trained anywhere does not look like that any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject

_ENOUGH = 64  # weights from which their distribution shows
_PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclasses.dataclass(frozen=True)
class NeverTrained(Observation):
    """The frozen layers that lie as they were made, and how many others are frozen; `answers`: whether the batch holds targets."""

    as_made: tuple[str, ...]
    others: int
    answers: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[NeverTrained]:
        """A look at the weights, and one forward pass where some are frozen."""
        frozen = {path: m.weight for path, m in subject.model.named_modules() if isinstance(m, _PLAIN) and not m.weight.requires_grad}
        if not frozen:
            yield cls((), 0, False)
            return
        seeded(subject.seed)
        with torch.enable_grad():
            targets = loss_of(subject).targets
        made = tuple(path for path, weight in frozen.items() if drawn_evenly(weight.detach()))
        yield cls(made, len(frozen) - len(made), bool(targets))


def drawn_evenly(weight: Tensor) -> bool:
    """Whether weights lie evenly between the two ends that torch draws them from.

    >>> _ = torch.manual_seed(0)
    >>> layer = nn.Linear(20, 30)
    >>> drawn_evenly(layer.weight.detach()), drawn_evenly(1.01 * layer.weight.detach()), drawn_evenly(torch.randn(30, 20) / 20)
    (True, False, False)
    """
    if weight.numel() < _ENOUGH:
        return False
    end = weight[0].numel() ** -0.5
    furthest, middling = float(weight.abs().max()) / end, float(weight.float().square().mean()) / (end**2 / 3)
    return 0.9 < furthest <= 1 + 1e-5 and 0.75 < middling < 1.25
