"""Language programs: tied weights, a carried state, and a BERT that computes its own loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import characters, loader
from .kind import healthy


class _Tied(nn.Module):
    """Predicts the next character; the output layer is the embedding, turned round."""

    def __init__(self, letters: int, width: int = 48):
        super().__init__()
        self.embedding, self.memory = nn.Embedding(letters, width), nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, letters)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.out.weight = self.embedding.weight

    def forward(self, codes: Tensor) -> Tensor:
        return self.out(self.memory(self.embedding(codes))[0])


def _next_character(output: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(output.flatten(0, 1), wanted.flatten())


@healthy(sgd=0.5, adam=1e-2)
def tied_weights() -> Subject:
    codes, wanted, letters = characters(length=8, count=8)
    return Subject(_Tied(letters), _next_character, train=loader(codes, wanted, batch_size=8))


class _Carrying(nn.Module):
    """Carries its state, cut from the graph, from one batch to the next, and returns it beside the logits."""

    def __init__(self, letters: int, width: int = 48):
        super().__init__()
        self.embedding, self.memory = nn.Embedding(letters, width), nn.LSTM(width, width, batch_first=True)
        self.out = nn.Linear(width, letters)
        self.state: tuple[Tensor, Tensor] | None = None

    def forward(self, codes: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if self.state is not None and self.state[0].shape[1] != len(codes):
            self.state = None
        hidden, state = self.memory(self.embedding(codes), self.state)
        self.state = (state[0].detach(), state[1].detach())
        return self.out(hidden), self.state


@healthy(sgd=0.5, adam=1e-2)
def carries_detached_state() -> Subject:
    codes, wanted, letters = characters(length=8, count=8)
    return Subject(_Carrying(letters), lambda output, wanted: _next_character(output[0], wanted), train=[(codes, wanted)])


@healthy(sgd=0.02, adam=1e-3, rmsprop=5e-4)
def tiny_bert() -> Subject:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, max_position_embeddings=16
    )
    codes, _, _ = characters(length=10, count=8)
    batch = {"input_ids": codes, "attention_mask": torch.ones_like(codes), "labels": codes[:, 0] % 2}
    return Subject(BertForSequenceClassification(config).train(), train=[batch])
