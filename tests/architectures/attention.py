"""Attention in its many spellings."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .architecture import Made, architecture


def _encoder(layers: int = 2, **options: bool) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


@architecture
def transformer_encoder() -> Made:
    return nn.Sequential(nn.Embedding(30, 16), _encoder(norm_first=True), nn.Linear(16, 5)), (torch.randint(0, 30, (4, 7)),)


@architecture
def transformer_encoder_on_its_fast_path() -> Made:
    """In evaluation mode and frozen, each layer is one fused call; whoever hooks into it sees the slow path."""
    return _encoder().eval().requires_grad_(False), (torch.randn(4, 7, 16),)


class Translator(nn.Module):
    """A whole transformer with both kinds of masks."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(20, 16, padding_idx=0), nn.Embedding(20, 16, padding_idx=0)
        self.transformer = nn.Transformer(16, 2, 1, 2, 32, batch_first=True)
        self.generator = nn.Linear(16, 20)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        future = nn.Transformer.generate_square_subsequent_mask(target.size(1)).isinf()
        hidden, padding = target == 0, source == 0
        states = self.transformer(
            self.source(source),
            self.target(target),
            tgt_mask=future,
            src_key_padding_mask=padding,
            tgt_key_padding_mask=hidden,
            memory_key_padding_mask=padding,
        )
        return self.generator(states)


@architecture
def full_transformer() -> Made:
    source, target = torch.randint(1, 20, (3, 8)), torch.randint(1, 20, (3, 5))
    source[0, -2:] = target[1, -1:] = 0
    return Translator(), (source, target)


class Einsum(nn.Module):
    """Heads by einsum, written out."""

    def __init__(self, width: int = 16, heads: int = 4):
        super().__init__()
        self.query, self.key, self.value = (nn.Parameter(0.2 * torch.randn(width, heads, width // heads)) for _ in range(3))
        self.out, self.norm = nn.Parameter(0.2 * torch.randn(heads, width // heads, width)), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (torch.einsum("btw,whd->bhtd", x, lift) for lift in (self.query, self.key, self.value))
        weights = torch.einsum("bhqd,bhkd->bhqk", q, k).div(q.shape[-1] ** 0.5).softmax(dim=-1)
        mixed = torch.einsum("bhqk,bhkd->bhqd", weights, v)
        return self.norm(x + torch.einsum("bhqd,hdw->bqw", mixed, self.out))


@architecture
def attention_by_einsum() -> Made:
    return nn.Sequential(Einsum(), Einsum(), nn.Linear(16, 3)), (torch.randn(4, 6, 16),)


class CausalBlock(nn.Module):
    """A block as in small GPTs: one Linear for q, k and v, and torch's own attention."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        b, t, w = x.size()
        q, k, v = (part.view(b, t, 4, w // 4).transpose(1, 2) for part in self.qkv(self.ln1(x)).split(w, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).contiguous().view(b, t, w))
        return x + self.mlp(self.ln2(x))


class SmallGPT(nn.Module):
    """Tokens, places, blocks, a tied head."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(25, 16), nn.Embedding(10, 16)
        self.blocks = nn.ModuleList(CausalBlock() for _ in range(2))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 25, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, idx: Tensor) -> Tensor:
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1), device=idx.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@architecture
def small_gpt() -> Made:
    return SmallGPT(), (torch.randint(0, 25, (4, 10)),)


class CrossAttention(nn.Module):
    """Latents that read an input, as in Perceiver; the weights come back, too."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(3, 12))
        self.attention = nn.MultiheadAttention(12, 3, kdim=5, vdim=5, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        latents = self.latents.expand(len(x), -1, -1)
        return self.attention(latents, x, x)


@architecture
def cross_attention() -> Made:
    return CrossAttention(), (torch.randn(4, 9, 5),)


class Experts(nn.Module):
    """Each token goes to the expert that the router likes best; which ones run depends on the data."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.reshape(-1, 8)
        weights, chosen = self.router(tokens).softmax(-1).max(-1)
        out = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            mine = chosen == number
            if mine.any():
                out[mine] = expert(tokens[mine]) * weights[mine, None]
        return out.view_as(x)


@architecture
def mixture_of_experts() -> Made:
    return Experts(), (torch.randn(3, 5, 8),)


class Universal(nn.Module):
    """One layer of a transformer called three times."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.layer(x)
        return self.head(x[:, 0])


@architecture
def one_layer_three_times() -> Made:
    return Universal(), (torch.randn(4, 6, 16),)
