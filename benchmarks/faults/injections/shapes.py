"""Axes mistaken for each other: samples that mix, time that leaks, masks that leave nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program
from ..surgery import Called, Wrapped, before_head, features


@fault("products", "attention", "rolled", alone=True)
def cross_sample_leak(program: Program, spelling: str) -> Program | None:
    changes = {
        "products": lambda h: _products(h.flatten(1)).view(h.shape),
        "attention": lambda h: _attended(h.flatten(1)).view(h.shape),
        "rolled": lambda h: h + 2 * h.roll(1, dims=0),
    }
    return before_head(program, Called(changes[spelling]))


def _products(h: Tensor) -> Tensor:
    return h + 4 * (h @ h.t() / h.shape[1]) @ h / len(h)


def _attended(h: Tensor) -> Tensor:
    return (h @ h.t() / h.shape[1] ** 0.5).softmax(dim=1) @ h


@fault("input", "hidden", alone=True)
def view_instead_of_permute(program: Program, spelling: str) -> Program | None:
    """Columns first is wanted, and a view gives it instead of a transposition; then back by the right way."""
    if spelling == "input":
        program.model = Wrapped(program.model, before=_viewed)
        return program
    return before_head(program, Called(_viewed))


def _viewed(x: Tensor) -> Tensor:
    return x.reshape(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1) if x.shape[1] > 1 else _viewed(x[:, 0])[:, None]


@fault("mean", "maximum", "norm", alone=True)
def reduction_wrong_dim(program: Program, spelling: str) -> Program | None:
    changes = {
        "mean": lambda h: h.mean(dim=0, keepdim=True).expand_as(h),
        "maximum": lambda h: h - h.amax(dim=0, keepdim=True),
        "norm": lambda h: h / h.norm(),
    }
    return before_head(program, Called(changes[spelling]))


@fault("setting", "forward", alone=True)
def batch_time_swapped(program: Program, spelling: str) -> Program | None:
    """Torch's recurrent layers and attention take time first, unless they are told otherwise."""
    kinds = (nn.LSTM, nn.GRU, nn.MultiheadAttention)
    found = [(path, module) for path, module in program.model.named_modules() if isinstance(module, kinds)]
    for path, module in found:
        if isinstance(module, nn.MultiheadAttention) and spelling == "forward":
            return None
        module.batch_first = False
        if spelling == "forward":
            setattr(program.model, path, _TimeFirst(module))
    return program if found else None


class _TimeFirst(nn.Module):
    """Turns its input once too often: what it holds is already told that the batch comes first."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner
        inner.batch_first = True

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.inner(x.transpose(0, 1))[0].transpose(0, 1), None


@fault("no_mask", "mask_off_by_one", "centred_convolution", "mean_over_time", "both_ways", "next_added")
def future_leak(program: Program, spelling: str) -> Program | None:
    if program.task != "letters":
        return None
    width = features(program)
    if spelling in ("no_mask", "mask_off_by_one"):
        return _unmasked(program, spelling) if program.name == "letters_attention" else None
    if spelling == "both_ways":
        return before_head(program, _BothWays(width))
    if spelling == "centred_convolution":
        return before_head(program, _Centred(width))
    mean = lambda h: h + h.mean(dim=1, keepdim=True)  # noqa: E731
    added = lambda h: h + torch.cat([h[:, 1:], h[:, -1:]], dim=1)  # noqa: E731
    return before_head(program, Called(mean if spelling == "mean_over_time" else added))


def _unmasked(program: Program, spelling: str) -> Program:
    program.model.causal = spelling == "mask_off_by_one"
    program.model.diagonal = 2
    return program


class _Centred(nn.Module):
    """A convolution over time that sees a step ahead."""

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.convolution(h.transpose(1, 2)).transpose(1, 2)


class _BothWays(nn.Module):
    """A recurrence that also comes from behind."""

    def __init__(self, width: int):
        super().__init__()
        self.gru = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, h: Tensor) -> Tensor:
        return self.gru(h)[0]


@fault("first_row", "inverted_padding", "wrong_triangle", "padding_row")
def fully_masked_attention_row(program: Program, spelling: str) -> Program | None:
    if program.name == "letters_attention" and spelling in ("first_row", "wrong_triangle"):
        program.model.diagonal = 0 if spelling == "first_row" else -3
        return program
    if program.name == "transformer" and spelling in ("inverted_padding", "padding_row"):
        program.model.encoder = _Padded(program.model.encoder, spelling)
        return program
    return None


class _Padded(nn.Module):
    """An encoder whose padding mask covers all of some samples."""

    def __init__(self, encoder: nn.Module, spelling: str):
        super().__init__()
        self.encoder, self.spelling = encoder, spelling

    def forward(self, x: Tensor) -> Tensor:
        real = x.abs().sum(-1) > 0
        padding = real if self.spelling == "inverted_padding" else real & (torch.arange(len(x)) == 0)[:, None]
        return self.encoder(x, src_key_padding_mask=padding)
