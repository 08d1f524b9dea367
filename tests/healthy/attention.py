"""Programs with masks and choices: attention, sets, experts, heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import characters, digits, loader, pictures
from .kind import healthy


class _Padded(nn.Module):
    """Attention that does not see padding: its scores are minus infinity there."""

    def __init__(self, letters: int, width: int = 32):
        super().__init__()
        self.embedding, self.places = nn.Embedding(letters, width, padding_idx=0), nn.Parameter(0.1 * torch.randn(10, width))
        self.attention, self.head = nn.MultiheadAttention(width, 4, batch_first=True), nn.Linear(width, 4)

    def forward(self, codes: Tensor) -> Tensor:
        padding, x = codes == 0, self.embedding(codes) + self.places
        x = x + self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]
        return self.head(x.masked_fill(padding[..., None], 0).sum(1) / (~padding).sum(1, keepdim=True))


@healthy(sgd=0.2, adam=1e-2)
def padding_mask() -> Subject:
    codes, wanted, letters = characters(length=10)
    lengths = 3 + torch.arange(16) % 8
    short = (codes + 1).masked_fill(torch.arange(10) >= lengths[:, None], 0)
    return Subject(_Padded(letters + 1), nn.CrossEntropyLoss(), train=loader(short, wanted[:, 0] % 4))


class _Causal(nn.Module):
    """Each place sees those before it."""

    def __init__(self, letters: int, length: int, width: int = 48):
        super().__init__()
        self.embedding, self.places = nn.Embedding(letters, width), nn.Parameter(0.1 * torch.randn(length, width))
        self.mix, self.join, self.head = nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Linear(width, letters)
        self.register_buffer("future", torch.triu(torch.ones(length, length, dtype=torch.bool), 1))

    def forward(self, codes: Tensor) -> Tensor:
        x = self.embedding(codes) + self.places
        query, key, value = self.mix(x).chunk(3, dim=-1)
        weights = (query @ key.mT / 48**0.5).masked_fill(self.future, -torch.inf).softmax(-1)
        return self.head(x + torch.relu(self.join(weights @ value))).mT


@healthy(sgd=0.3, adam=5e-3, floor=None)
def causal_mask() -> Subject:
    """Two texts that begin alike go on differently: the first places can't know."""
    codes, wanted, letters = characters(length=6, count=12)
    return Subject(_Causal(letters, 6), nn.CrossEntropyLoss(), train=loader(codes, wanted))


class _Set(nn.Module):
    """The rows of a picture as a set: what each says, added up."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.all = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64)), nn.Sequential(nn.ReLU(), nn.Linear(64, 10))

    def forward(self, rows: Tensor) -> Tensor:
        return self.all(self.each(rows).sum(1))


@healthy(sgd=0.05, adam=5e-3)
def set_of_rows() -> Subject:
    images, labels = pictures()
    return Subject(_Set(), nn.CrossEntropyLoss(), train=loader(images[:, 0], labels))


class _Experts(nn.Module):
    """The gate sends each sample to one of six experts; some get none of this batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(64, 6), nn.ModuleList(nn.Linear(64, 32) for _ in range(6))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        shares = self.gate(x).softmax(1)
        best, out = shares.argmax(1), x.new_zeros(len(x), 32)
        for number in best.unique().tolist():
            chosen = (best == number).nonzero()[:, 0]
            out = out.index_add(0, chosen, torch.relu(self.experts[number](x[chosen])) * shares[chosen, number, None])
        return self.head(out)


@healthy(sgd=0.2, adam=1e-2)
def mixture_of_experts() -> Subject:
    return Subject(_Experts(), nn.CrossEntropyLoss(), train=loader(*digits()))


class _Heads(nn.Module):
    """A head for each language; this batch has one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.ModuleDict({n: nn.Linear(64, 10) for n in ("en", "fr")})

    def forward(self, image: Tensor, language: str) -> Tensor:
        return self.heads[language](self.body(image))


@healthy(sgd=0.1, adam=3e-3)
def unused_head() -> Subject:
    images, labels = digits(16)
    return Subject(_Heads(), nn.CrossEntropyLoss(), train=[{"image": images, "language": "fr", "label": labels}])


class _Pooled(nn.Module):
    """A learned query asks all rows at once (multiple-instance learning); classes that can't be are masked in the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.lift, self.ask, self.head = nn.Linear(8, 48), nn.Linear(48, 1), nn.Linear(48, 12)
        self.register_buffer("unknown", torch.arange(12) > 9)

    def forward(self, rows: Tensor) -> Tensor:
        x = torch.tanh(self.lift(rows))
        return self.head(functional.gelu((self.ask(x).softmax(1) * x).sum(1))).masked_fill(self.unknown, -1e9)


@healthy(sgd=1.0, adam=1e-2)
def attention_pooling() -> Subject:
    images, labels = pictures(32)
    return Subject(_Pooled(), nn.CrossEntropyLoss(), train=loader(images[:, 0], labels))
