"""Multiplications below one call against formulas, also inside kernels that torch's own counter passes over."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.instruments.trace.flops import FlopsBelow


def below(function) -> int:
    with FlopsBelow() as counting:
        function()
    return counting.total


def test_a_linear_layer_counts_each_place_of_its_input():
    assert below(lambda: nn.Linear(100, 7)(torch.randn(4, 50, 100))) == 2 * 4 * 50 * 100 * 7


@pytest.mark.parametrize("length", [6, 9])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_counts_both_products_in_full(length, causal):
    q, k = torch.randn(2, 3, length, 4), torch.randn(2, 3, length, 4)
    assert below(lambda: functional.scaled_dot_product_attention(q, k, k, is_causal=causal)) == 2 * (2 * 2 * 3 * length * length * 4)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("both_ways", [False, True])
def test_recurrent_layers_count_every_step_layer_and_direction(kind, batch_first, both_ways):
    layers = getattr(nn, kind)(5, 8, num_layers=2, batch_first=batch_first, bidirectional=both_ways)
    gates, ways = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind] * 8, 1 + both_ways
    each_step = ways * gates * (5 + 8) + ways * gates * (8 * ways + 8)
    assert below(lambda: layers(torch.randn(6, 3, 5))) == 2 * 6 * 3 * each_step
