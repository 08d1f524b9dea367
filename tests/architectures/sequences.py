"""Networks that read one step after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from .architecture import Made, architecture


@architecture
def mlp() -> Made:
    return nn.Sequential(nn.Linear(20, 32), nn.LayerNorm(32), nn.GELU(), nn.Dropout(0.2), nn.Linear(32, 5)), (torch.randn(8, 20),)


class TiedLanguageModel(nn.Module):
    """The output layer is the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.memory = nn.Embedding(30, 16), nn.GRU(16, 16, batch_first=True)
        self.out = nn.Linear(16, 30)
        self.out.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.memory(self.embedding(tokens))[0])


@architecture
def tied_language_model() -> Made:
    return TiedLanguageModel(), (torch.randint(0, 30, (4, 9)),)


class Cells(nn.Module):
    """An LSTM cell called once for each step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(5, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state[0])


@architecture
def cell_in_a_loop() -> Made:
    return Cells(), (torch.randn(4, 6, 5),)


class WithStates(nn.Module):
    """Takes states and gives them back."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 12, num_layers=2, dropout=0.1), nn.Linear(12, 3)

    def forward(self, x: Tensor, states: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, states = self.lstm(x, states)
        return self.head(outputs), states


@architecture
def lstm_with_states() -> Made:
    return WithStates(), (torch.randn(6, 4, 5), (torch.zeros(2, 4, 12), torch.zeros(2, 4, 12)))


class Bidirectional(nn.Module):
    """Both directions, their last states joined."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(5, 8, num_layers=2, batch_first=True, bidirectional=True), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.gru(x)
        return self.head(torch.cat([last[-2], last[-1]], dim=1))


@architecture
def bidirectional_gru() -> Made:
    return Bidirectional(), (torch.randn(4, 7, 5),)


class Packed(nn.Module):
    """Sentences of different lengths, packed for the LSTM; their lengths are an input."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.lstm, self.head = nn.Embedding(30, 8, padding_idx=0), nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 4)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = self.lstm(packed)
        padded, _ = pad_packed_sequence(outputs, batch_first=True)
        return self.head(padded)


@architecture
def packed_sequences() -> Made:
    lengths = torch.tensor([7, 3, 5, 2])
    tokens = torch.randint(1, 30, (4, 7)).masked_fill(torch.arange(7) >= lengths[:, None], 0)
    return Packed(), (tokens, lengths)


class TakesPacked(nn.Module):
    """Is given a packed sequence, and gives one."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(5, 6)

    def forward(self, x: PackedSequence) -> PackedSequence:
        return self.rnn(x)[0]


@architecture
def packed_input_and_output() -> Made:
    return TakesPacked(), (pack_padded_sequence(torch.randn(6, 3, 5), torch.tensor([6, 4, 2])),)


class Seq2Seq(nn.Module):
    """An encoder, and a decoder that looks back at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(20, 8), nn.Embedding(20, 8)
        self.encoder, self.cell = nn.GRU(8, 12, batch_first=True), nn.GRUCell(8 + 12, 12)
        self.attend, self.out = nn.Linear(12, 12, bias=False), nn.Linear(24, 20)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, last = self.encoder(self.source(source))
        state, steps = last.squeeze(0), []
        for word in self.target(target).unbind(1):
            weights = torch.softmax(torch.bmm(memory, self.attend(state)[:, :, None]).squeeze(2), dim=1)
            context = torch.bmm(weights[:, None], memory).squeeze(1)
            state = self.cell(torch.cat([word, context], 1), state)
            steps.append(self.out(torch.cat([state, context], 1)))
        return torch.stack(steps, 1)


@architecture
def seq2seq_with_attention() -> Made:
    return Seq2Seq(), (torch.randint(0, 20, (3, 6)), torch.randint(0, 20, (3, 4)))


class Bag(nn.Module):
    """Words of all texts in one row, and where each text begins."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.fc = nn.EmbeddingBag(50, 8), nn.Linear(8, 4)

    def forward(self, text: Tensor, offsets: Tensor) -> Tensor:
        return self.fc(self.embedding(text, offsets))


@architecture
def embedding_bag() -> Made:
    return Bag(), (torch.randint(0, 50, (17,)), torch.tensor([0, 4, 9]))


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates, their skips summed."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Conv1d(1, 8, 1)
        self.gates = nn.ModuleList(nn.Conv1d(8, 16, 2, dilation=2**i) for i in range(3))
        self.skips = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(3))
        self.out = nn.Conv1d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x, total = self.into(x), 0
        for i, (gate, skip) in enumerate(zip(self.gates, self.skips, strict=True)):
            a, b = gate(F.pad(x, (2**i, 0))).chunk(2, dim=1)
            y = skip(torch.tanh(a) * torch.sigmoid(b))
            total, x = total + y, x + y
        return self.out(F.relu(total))


@architecture
def wavenet() -> Made:
    return WaveNet(), (torch.randn(2, 1, 20),)
