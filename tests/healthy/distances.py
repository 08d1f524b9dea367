"""Programs that learn distances and orders: contrastive, triplets, ranking."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import digits, loader
from .kind import healthy


class _Embedder(nn.Module):
    """A code of length one for each picture."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(self.body(x), dim=1)


class _Views(nn.Module):
    """The codes of two views of each picture."""

    def __init__(self) -> None:
        super().__init__()
        self.embedder = _Embedder()

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        return self.embedder(left), self.embedder(right)


def _contrast(output: tuple[Tensor, Tensor]) -> Tensor:
    """InfoNCE at a temperature at which codes of length one can't reach zero."""
    left, right = output
    return functional.cross_entropy(left @ right.T / 0.5, torch.arange(len(left)))


@healthy(sgd=0.5, adam=3e-3, floor=None)
def contrastive() -> Subject:
    images, _ = digits(16)
    return Subject(_Views(), _contrast, train=[(images, images + 0.1 * torch.randn_like(images))])


@healthy(sgd=0.5, adam=3e-3, floor=None)
def contrastive_in_a_step() -> Subject:
    """SimCLR: both views of all pictures in one batch, each against all others."""
    images, _ = digits(16)
    net, others = _Embedder(), torch.eye(32, dtype=torch.bool)

    def step(batch: tuple[Tensor, Tensor]) -> Tensor:
        codes = net(torch.cat(batch))
        near = (codes @ codes.T / 0.2).masked_fill(others, -torch.inf)
        return functional.cross_entropy(near, (torch.arange(32) + 16) % 32)

    return Subject(net, train=[(images, images + 0.1 * torch.randn_like(images))], step=step)


class _Three(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 16))

    def forward(self, anchor: Tensor, same: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.body(anchor), self.body(same), self.body(other)


@healthy(sgd=0.05, adam=3e-3)
def triplets() -> Subject:
    """The hinge lets a third of the triples go at once: they have no gradient."""
    images, labels = digits(200)
    anchors, same = torch.arange(24), torch.stack([(labels == labels[i]).nonzero()[-1, 0] for i in range(24)])
    other = torch.stack([(labels != labels[i]).nonzero()[i, 0] for i in range(24)])
    margin = nn.TripletMarginLoss(margin=1.0)
    return Subject(_Three(), lambda output: margin(*output), train=[(images[anchors], images[same], images[other])])


class _Recommender(nn.Module):
    """A user is the mean of the things bought; the score of a thing is its product with the user."""

    def __init__(self, things: int = 40, width: int = 32):
        super().__init__()
        self.history, self.thing = nn.EmbeddingBag(things, width, mode="mean"), nn.Embedding(things, width)

    def forward(self, bought: Tensor, liked: Tensor, passed_by: Tensor) -> Tensor:
        person = self.history(bought)
        return (person * (self.thing(liked) - self.thing(passed_by))).sum(1)


@healthy(sgd=1.0, adam=2e-2)
def pairwise_ranking() -> Subject:
    """Bayesian personalised ranking: no target but the order itself."""
    bought, liked, passed_by = torch.randint(0, 40, (24, 5)), torch.randint(0, 20, (24,)), torch.randint(20, 40, (24,))
    return Subject(_Recommender(), lambda output: -functional.logsigmoid(output).mean(), train=[(bought, liked, passed_by)])


@healthy(sgd=0.3, adam=5e-3)
def margin_ranking() -> Subject:
    images, labels = digits(48)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
    sign = torch.where(labels[:24] > labels[24:], 1.0, -1.0)

    def step(batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        left, right, first = batch
        return functional.margin_ranking_loss(net(left), net(right), first, margin=0.5)

    return Subject(net, train=loader(images[:24], images[24:], sign, batch_size=24), step=step)
