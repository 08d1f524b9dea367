"""Language models of letters: a GRU, and causal attention by hand. They are asked for the letter behind two thirds of a window."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import data, scores
from ..kind import Activation, program, scaled
from ..program import Program, optimizer

Adam = torch.optim.Adam
LENGTH, ASKED = 12, 8


def _next_letter(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1))


def _program(name: str, net: nn.Module, rate: float, epochs: int) -> Program:
    windows = data.letters(LENGTH)
    (inputs, targets), _ = windows
    asked = inputs[:, :ASKED], targets[:, ASKED - 1]
    made = optimizer(Adam, lr=rate)
    last = lambda output: output[:, -1]  # noqa: E731
    return Program(name, "letters", net, _next_letter, windows, made, epochs, scores.accuracy, batch_size=16, read=last, judged_on=asked)


class _Recurrent(nn.Module):
    def __init__(self, letters: int, hidden: int):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(letters, hidden), nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, letters)

    def forward(self, codes: Tensor) -> Tensor:
        return self.out(self.gru(self.embedding(codes))[0])


@program
def letters_gru(width: float = 1.0) -> Program:
    return _program("letters_gru", _Recurrent(len(data.alphabet()), scaled(32, width)), 1e-2, 10)


class _Attention(nn.Module):
    """One head of attention over what came before, then a small network, both with a way round them."""

    def __init__(self, letters: int, width: int, activation: Activation):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(letters, width), nn.Parameter(0.1 * torch.randn(LENGTH, width))
        self.mixed, self.wide, self.narrow = nn.Linear(width, 3 * width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm, self.out, self.activation = nn.LayerNorm(width), nn.Linear(width, letters), activation
        self.causal, self.diagonal = True, 1

    def forward(self, codes: Tensor) -> Tensor:
        x = self.embedding(codes) + self.positions[: codes.shape[1]]
        query, key, value = self.mixed(x).chunk(3, dim=-1)
        scores = query @ key.transpose(1, 2) / key.shape[-1] ** 0.5
        if self.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(self.diagonal)
            scores = scores.masked_fill(later, float("-inf"))
        x = x + scores.softmax(dim=-1) @ value
        x = x + self.narrow(self.activation(self.wide(self.norm(x))))
        return self.out(x)


@program
def letters_attention(width: float = 1.0, activation: Activation = functional.gelu) -> Program:
    return _program("letters_attention", _Attention(len(data.alphabet()), scaled(32, width), activation), 1e-2, 10)
