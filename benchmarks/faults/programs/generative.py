"""Programs whose target is their input: an autoencoder and a variational one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import data, scores
from ..kind import Activation, as_module, program, scaled
from ..program import Program, optimizer

Adam = torch.optim.Adam


@program
def autoencoder(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    outer, code = scaled(48, width), scaled(16, width)
    net = nn.Sequential(
        nn.Linear(64, outer),
        as_module(activation),
        nn.Linear(outer, code),
        nn.Linear(code, outer),
        as_module(activation),
        nn.Linear(outer, 64),
    )
    return Program("autoencoder", "images", net, nn.MSELoss(), data.digits(), optimizer(Adam, lr=3e-3), 8, scores.explained)


class _Variational(nn.Module):
    """Returns the reconstruction, and mean and log-variance of the code; without noise in evaluation mode."""

    def __init__(self, width: float, activation: Activation):
        super().__init__()
        outer, self.code = scaled(64, width), scaled(8, width)
        self.encoder, self.moments = nn.Linear(64, outer), nn.Linear(outer, 2 * self.code)
        self.widen, self.out, self.activation = nn.Linear(self.code, outer), nn.Linear(outer, 64), activation

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.moments(self.activation(self.encoder(x))).chunk(2, dim=-1)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        code = mean + noise * torch.exp(0.5 * log_variance)
        return self.out(self.activation(self.widen(code))), mean, log_variance


def _evidence_bound(output: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
    rebuilt, mean, log_variance = output
    surprise = functional.mse_loss(rebuilt, x, reduction="sum") / len(x)
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1).mean()
    return surprise + 0.02 * divergence


@program
def variational(width: float = 1.0, activation: Activation = torch.relu) -> Program:
    net, first = _Variational(width, activation), lambda output: output[0]
    return Program("variational", "images", net, _evidence_bound, data.digits(), optimizer(Adam, lr=3e-3), 8, scores.explained, read=first)
