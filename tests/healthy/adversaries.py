"""The two halves of generative adversarial training, each as a program of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from dldebug_magics.engine.subject import Subject

from .data import digits, loader
from .kind import healthy


def _generator() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())


def _critic() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))


def _told_apart(critic: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    right, wrong = critic(real), critic(made)
    yes, no = torch.ones_like(right), torch.zeros_like(wrong)
    return functional.binary_cross_entropy_with_logits(right, yes) + functional.binary_cross_entropy_with_logits(wrong, no)


@healthy(sgd=0.1, adam=3e-3)
def discriminator() -> Subject:
    (images, _), critic, generator, noise = digits(16), _critic(), _generator(), torch.randn(16, 16)
    return Subject(critic, train=loader(images, noise), step=lambda batch: _told_apart(critic, batch[0], generator(batch[1]).detach()))


@healthy(sgd=0.05, adam=1e-3)
def generator() -> Subject:
    """Trained through a critic that stands still, with noise drawn in every step."""
    critic, net, yes = _critic(), _generator(), torch.ones(16, 1)

    def step(batch: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(critic(net(torch.randn(len(batch), 16))), yes)

    return Subject(net, train=digits(16)[0], step=step)


@healthy(sgd=0.1, adam=3e-3, floor=None)
def spectral_norm_discriminator() -> Subject:
    """It can't be steep, so it can't be sure: no weights of this kind bring the loss to zero."""
    images, _ = digits(32)
    net = nn.Sequential(spectral_norm(nn.Linear(64, 64)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(64, 1)))
    made = torch.rand(32, 64)
    truth = torch.cat([torch.ones(32, 1), torch.zeros(32, 1)])
    return Subject(net, nn.BCEWithLogitsLoss(), train=loader(torch.cat([images, made]), truth, batch_size=32))


@healthy(sgd=0.02, adam=1e-3, floor=None)
def critic_with_gradient_penalty() -> Subject:
    """Wasserstein: below zero by rights, and with a gradient of a gradient in it."""
    (images, _), critic, made = digits(16), _critic(), torch.rand(16, 64)

    def step(batch: tuple[Tensor, Tensor]) -> Tensor:
        real, false = batch
        between = torch.lerp(real, false, 0.5).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return critic(false).mean() - critic(real).mean() + 10 * (slope.norm(dim=1) - 1).square().mean()

    return Subject(critic, train=loader(images, made), step=step)
