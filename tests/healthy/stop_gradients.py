"""Programs that cut the graph on purpose: targets made by the model itself, a codebook, rewards."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import digits, loader
from .kind import healthy


def _encoder(width: int = 32) -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, width))


class _Twins(nn.Module):
    """SimSiam: one view predicts the other's code, which is a constant there."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.predictor = _encoder(), nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 32))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        codes = self.encoder(left), self.encoder(right)
        towards = codes[1].detach(), codes[0].detach()
        near = [functional.cosine_similarity(self.predictor(code), goal).mean() for code, goal in zip(codes, towards, strict=True)]
        return -(near[0] + near[1]) / 2


@healthy(sgd=0.05, adam=3e-3, floor=-1.0)
def stop_gradient_twins() -> Subject:
    images, _ = digits(32)
    return Subject(_Twins(), train=[(images, images + 0.1 * torch.randn_like(images))])


class _Bootstrapped(nn.Module):
    """BYOL: the online half predicts what a slow copy of it, which no gradient reaches, makes of the other view."""

    def __init__(self) -> None:
        super().__init__()
        self.online, self.predictor = _encoder(), nn.Linear(32, 32)
        self.slow = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            goal = self.slow(right)
        return self.predictor(self.online(left)), goal


def _apart(output: tuple[Tensor, Tensor]) -> Tensor:
    return 2 - 2 * functional.cosine_similarity(*output).mean()


@healthy(sgd=0.05, adam=3e-3)
def slow_copy_as_target() -> Subject:
    images, _ = digits(32)
    return Subject(_Bootstrapped(), _apart, train=[(images, images + 0.1 * torch.randn_like(images))])


class _Quantised(nn.Module):
    """The nearest word of a codebook stands for the code; the gradient passes straight through."""

    def __init__(self, words: int = 24, width: int = 8):
        super().__init__()
        self.encoder, self.decoder, self.book = _encoder(width), nn.Linear(width, 64), nn.Embedding(words, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(x)
        word = self.book(torch.cdist(code, self.book.weight).argmin(1))
        pull = functional.mse_loss(word, code.detach()) + 0.25 * functional.mse_loss(code, word.detach())
        return self.decoder(code + (word - code).detach()), pull


@healthy(sgd=0.5, adam=5e-3, floor=None)
def straight_through_codebook() -> Subject:
    images, _ = digits(16)
    return Subject(_Quantised(), lambda output, x: functional.mse_loss(output[0], x) + output[1], train=images)


@healthy(sgd=0.05, adam=3e-3)
def target_network() -> Subject:
    """Q learning: the value of the next state comes from a copy that stands still."""
    (states, actions), net = digits(32), _encoder(10)
    target = copy.deepcopy(net)
    rewards, following = (actions > 4).float(), states.roll(1, 0)

    def step(batch: tuple[Tensor, ...]) -> Tensor:
        now, action, reward, later = batch
        with torch.no_grad():
            wanted = reward + 0.9 * target(later).max(1).values
        return functional.smooth_l1_loss(net(now).gather(1, action[:, None])[:, 0], wanted)

    return Subject(net, train=loader(states, actions, rewards, following), step=step)


def _against_reward(output: Tensor, action: Tensor, advantage: Tensor) -> Tensor:
    policy = torch.distributions.Categorical(logits=output)
    return -(policy.log_prob(action) * advantage).mean() - 0.01 * policy.entropy().mean()


@healthy(sgd=0.02, adam=1e-3, floor=None)
def policy_gradient() -> Subject:
    """What is minimised may be of any sign, and is no measure of anything."""
    states, actions = digits(32)
    advantages = torch.randn(32)
    return Subject(_encoder(10), _against_reward, train=loader(states, actions, advantages - advantages.mean()))
