"""What kernels take for themselves: the rules against what torch's profiler sees of real calls."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.memory_plan import highest
from dldebug_magics.engine.paper import sheet
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.memory_plan.step import evaluation

CALLS = {
    "convolution": (nn.Conv2d(3, 24, 3, padding=1), (16, 3, 20, 20)),
    "convolution of one sample": (nn.Conv2d(16, 2, 3, padding=1), (1, 16, 20, 20)),
    "convolution in steps": (nn.Conv2d(16, 40, 5, stride=2), (16, 16, 20, 20)),
    "transposed convolution": (nn.ConvTranspose2d(32, 16, 2, 2), (16, 32, 16, 16)),
    "lstm": (nn.LSTM(40, 24, batch_first=True), (16, 30, 40)),
    "lstm that narrows": (nn.LSTM(100, 64), (40, 16, 100)),
    "encoder layer": (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), (8, 48, 64)),
    "encoder layer, norm first": (nn.TransformerEncoderLayer(32, 2, 256, batch_first=True, norm_first=True), (8, 40, 32)),
    "upsampling": (nn.Upsample(scale_factor=2, mode="bilinear"), (8, 16, 12, 12)),
}


class First(nn.Module):
    """The first of what a module gives."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        given = self.inner(x)
        return given[0] if isinstance(given, tuple) else given


@pytest.mark.parametrize("name", CALLS)
def test_a_call_needs_what_the_profiler_saw(name):
    layer, shape = CALLS[name]
    net, x = First(layer).eval(), torch.randn(shape)
    plan = evaluation(sheet(Subject(net, lambda output: output.sum(), None, x, batch=x))).peak
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        given = net(x)
        loss = given.sum()
    before = x.nbytes + sum(p.nbytes for p in net.parameters())
    assert loss.ndim == 0
    assert plan.total == pytest.approx(before + highest(profiled), rel=0.1 if name == "lstm" else 0.03)


@pytest.mark.parametrize("sizes", [(50, 16, 32, 64), (30, 5, 40, 24), (10, 64, 64, 100), (7, 3, 128, 16)])
def test_the_workspace_of_a_real_lstm(sizes):
    from dldebug_magics.instruments.workspaces import lstm_bytes

    steps, samples, inputs, hidden = sizes
    layer = nn.LSTM(inputs, hidden)
    output, _ = layer(torch.randn(steps, samples, inputs))
    node = output.grad_fn
    while "MkldnnRnnLayer" not in type(node).__name__:
        node = node.next_functions[0][0]
    assert lstm_bytes(*sizes) == pytest.approx(node._saved_result3.untyped_storage().nbytes(), abs=0)
