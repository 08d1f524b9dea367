"""The trace of a pass: what is written down, in which order, what it multiplies, and that nothing stays behind."""

from __future__ import annotations

import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.overrides import _len_torch_function_stack
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from dldebug_magics.instruments.forms import Form, form, forms
from dldebug_magics.instruments.trace import Trace
from dldebug_magics.instruments.trace.clock import Clock, Span

aten = torch.ops.aten


def _attention(query, key, value, *_, out_shape=None, **__):
    return sdpa_flop_count(query, key, value)


KNOWN = {aten._scaled_dot_product_flash_attention_for_cpu: _attention}  # torch's own formula, which its counter doesn't apply on a CPU


class Net(nn.Module):
    """Modules, operations between them, one module twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.head, self.again = nn.Conv2d(1, 4, 3), nn.Linear(100, 10), nn.Linear(10, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv(x)), 2)
        x = self.head(x.view(x.size(0), -1))
        return self.again(self.again(x)).softmax(dim=1)


def traced(function, *arguments, model=None):
    with Trace(model if model is not None else nn.Identity()) as trace:
        function(*arguments)
    return trace


def test_calls_and_operations_stand_in_their_order():
    net = Net()
    entries = traced(net, torch.randn(8, 1, 12, 12), model=net).entries
    assert [(entry.depth, entry.path, entry.kind) for entry in entries] == [
        (0, "", "Net"),
        (1, "conv", "Conv2d"),
        (1, "", "relu"),
        (1, "", "max_pool2d"),
        (1, "", "view"),
        (1, "head", "Linear"),
        (1, "again", "Linear"),
        (1, "again", "Linear"),
        (1, "", "softmax"),
    ]
    assert [str(entry.outputs[0]) for entry in entries[1:6]] == ["8 x 4 x 10 x 10", "8 x 4 x 10 x 10", "8 x 4 x 5 x 5", "8 x 100", "8 x 10"]
    assert entries[4].settings == {"1": 8, "2": -1} and entries[-1].settings == {"dim": 1}
    assert "x.view" in entries[4].line.source and entries[4].line.place.startswith("test_trace.py, line ")


def test_multiplications_add_up_to_the_calls_around():
    net = Net()
    flops = {entry.kind: entry.flops for entry in traced(net, torch.randn(8, 1, 12, 12), model=net).entries}
    assert flops["Conv2d"] == 2 * 8 * 100 * 4 * 9
    assert flops["Net"] == flops["Conv2d"] + 2 * 8 * 100 * 10 + 2 * (2 * 8 * 10 * 10)


def test_what_lies_in_the_memory_of_an_input_is_not_new():
    x = torch.zeros(4, 6)
    entries = traced(lambda: (x.view(6, 4), x.transpose(0, 1), x.add(1), x.mul_(2), x[1:], torch.relu(x))).entries
    assert [entry.new_bytes for entry in entries] == [0, 0, 96, 0, 0, 96]


def _random(*shape):
    return torch.randn(shape)


BY_HAND = {
    "a linear layer on sequences": (F.linear, (_random(4, 50, 100), _random(20, 100)), 2 * 4 * 50 * 100 * 20),
    "a convolution in groups": (lambda x, w: F.conv2d(x, w, groups=2), (_random(2, 4, 8, 8), _random(6, 2, 3, 3)), 2 * 2 * 6 * 36 * 2 * 9),
    "a transposed convolution": (F.conv_transpose2d, (_random(2, 4, 5, 5), _random(4, 3, 2, 2)), 2 * 2 * 4 * 25 * 3 * 4),
    "a product of stacks": (torch.matmul, (_random(3, 1, 4, 5), _random(2, 5, 6)), 2 * 3 * 2 * 4 * 5 * 6),
    "a product with a sum": (torch.addmm, (_random(6), _random(4, 5), _random(5, 6)), 2 * 4 * 5 * 6),
    "an einsum": (lambda a, b: torch.einsum("nij,njk->nik", a, b), (_random(3, 4, 5), _random(3, 5, 6)), 2 * 3 * 4 * 5 * 6),
    "attention in one call": (F.scaled_dot_product_attention, (_random(2, 3, 7, 8),) * 3, 2 * (2 * 2 * 3 * 7 * 7 * 8)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_multiplications_by_hand(name):
    function, arguments, expected = BY_HAND[name]
    assert sum(entry.flops for entry in traced(function, *arguments).entries) == expected


def test_an_lstm_counts_on_a_cpu_what_its_weights_do():
    lstm = nn.LSTM(5, 7, num_layers=2, bidirectional=True)
    entry = traced(lstm, torch.randn(11, 3, 5), model=lstm).entries[0]
    weights = sum(p.numel() for name, p in lstm.named_parameters() if name.startswith("weight"))
    assert entry.flops == 2 * 11 * 3 * weights


LAYERS = {
    "linear, one vector": (lambda: nn.Linear(4, 3), (4,)),
    "conv1d, without a batch": (lambda: nn.Conv1d(2, 3, 3, padding=1), (2, 9)),
    "conv3d": (lambda: nn.Conv3d(2, 4, 3, groups=2), (2, 2, 5, 5, 5)),
    "transposed 1d with stride": (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), (2, 4, 9)),
    "attention": (lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), (2, 5, 16)),
    "a gru": (lambda: nn.GRU(4, 6, 2), (5, 3, 4)),
    "a cell": (lambda: nn.GRUCell(4, 6), (3, 4)),
    "a matrix with a vector": (lambda: Function(lambda x: x @ x[0]), (3, 4)),
    "a stack with a vector": (lambda: Function(lambda x: x @ x[0, 0]), (2, 3, 4)),
    "a reversed product": (lambda: Function(lambda x: torch.ones(5, 3).__matmul__(x) + x.__rmatmul__(torch.ones(5, 3))), (3, 4)),
    "vmapped": (lambda: Function(torch.vmap(lambda row: torch.ones(5, 4) @ row.reshape(4, 1))), (3, 4)),
    "distances": (lambda: Function(lambda x: torch.cdist(x, x)), (30, 4)),
    "sparse": (lambda: Function(lambda x: torch.sparse.mm(torch.eye(3).to_sparse(), x)), (3, 4)),
    "complex": (lambda: Function(lambda x: x.to(torch.complex64) @ torch.ones(4, 2, dtype=torch.complex64)), (3, 4)),
    "a product that goes by name": (lambda: Function(lambda x: F.linear(input=x, weight=torch.ones(2, 4))), (3, 4)),
    "into an output": (lambda: Function(lambda x: torch.matmul(x, torch.ones(4, 2), out=torch.empty(3, 2))), (3, 4)),
}


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x.detach())


@pytest.mark.parametrize("name", LAYERS)
def test_multiplications_are_those_of_torchs_counter(name):
    make, shape = LAYERS[name]
    model, x = make(), torch.randn(shape)
    with FlopCounterMode(display=False, custom_mapping=KNOWN) as counter:
        model(x)
    assert traced(model, x, model=model).entries[0].flops == counter.get_total_flops()


def test_what_was_counted_once_is_counted_again_where_the_tensors_differ():
    heads = [torch.randn(2, 3, length, 8) for length in (7, 7, 9)]
    entries = traced(lambda: [F.scaled_dot_product_attention(x, x, x) for x in heads]).entries
    assert [entry.flops for entry in entries] == [2 * 2 * 2 * 3 * length * length * 8 for length in (7, 7, 9)]


def test_the_operation_that_broke_is_the_entry_that_failed():
    net = nn.Sequential(nn.Linear(4, 8), Function(lambda x: torch.cat([x, x[:, :, None]], dim=1)))
    with pytest.raises(RuntimeError) as raised, Trace(net) as trace:
        net(torch.randn(3, 4))
    assert trace.failed is trace.entries[-1] and trace.error is raised.value
    assert (trace.failed.kind, trace.failed.path, trace.failed.depth, trace.failed.plain) == ("cat", "1", 2, {"dim": 1})
    assert not trace.open


def test_a_layer_of_torchs_that_broke_is_the_entry_itself():
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(9, 8))
    with pytest.raises(RuntimeError), Trace(net) as trace:
        net(torch.randn(3, 4))
    assert (trace.failed.path, trace.failed.operation) == ("1", "linear") and trace.failed.given is not None


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_nothing_stays_behind():
    scripted = nn.Sequential(nn.Linear(4, 8), torch.jit.script(nn.Linear(8, 9)), nn.Linear(4, 4))
    before, x = [len(hooks) for hooks in _hooks(scripted)], torch.randn(3, 4)
    with pytest.raises(RuntimeError), Trace(scripted) as trace:
        scripted(x)
    assert [entry.path for entry in trace.entries] == ["", "0", "1", "2"]
    assert [len(hooks) for hooks in _hooks(scripted)] == before
    assert _len_torch_function_stack() == 0


def _hooks(model):
    spaces = [nn.modules.module, *(m for m in model.modules() if not isinstance(m, torch.jit.ScriptModule))]
    return [value for space in spaces for name, value in vars(space).items() if name.endswith("_hooks") and isinstance(value, dict)]


def test_looking_at_a_tensor_is_no_operation():
    def looks(x):
        assert x.shape[0] == x.size(0) == len(x) and x.dim() == 2 and x.is_contiguous() and x.dtype and x.device
        return float(x.sum()), bool(x[0, 0] > 0), x.T

    assert [entry.kind for entry in traced(looks, torch.randn(3, 4)).entries] == ["sum", "__getitem__", "gt", "T"]


def test_forms_of_many_kinds():
    packed = pack_sequence([torch.zeros(3, 2), torch.zeros(1, 2)])
    lazy = nn.LazyLinear(2).weight
    assert forms((packed, {"x": torch.zeros(2, dtype=torch.int64)}, 3, None)) == (Form((4, 2), packed=True), Form((2,), "int64"))
    assert form(lazy) == Form(()) and form(torch.zeros(2, device="meta")) == Form((2,), device="meta")
    assert form(nn.Parameter(torch.zeros(2, 3))) == form(torch.zeros(2, 3)) == Form((2, 3))


class Takes(torch.autograd.Function):
    """So many seconds pass on the way there, and so many on the way back."""

    @staticmethod
    def forward(context, x, there, back):
        context.back = back
        time.sleep(there)
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        time.sleep(context.back)
        return gradient, None, None


class Waits(nn.Linear):
    """A layer that takes so long, beside what it multiplies, which takes no time here."""

    def __init__(self, *spent):
        super().__init__(4, 4)
        self.spent = spent

    def forward(self, x):
        return Takes.apply(super().forward(x), *self.spent)


@pytest.mark.usefixtures("clock")
def test_a_clock_gives_each_call_its_part():
    net = nn.Sequential(Waits(1, 2), nn.Sequential(Waits(4, 8), nn.Tanh(), Waits(16, 32)))
    with Clock(net) as clock:
        clock.backward(net(torch.randn(3, 4)).sum())
    assert [call.ended - call.began for call in clock.calls] == [21, 1, 20, 4, 0, 16]
    assert [call.backward for call in clock.calls] == [42, 2, 40, 8, 0, 32]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_a_span_is_a_median_with_both_ends():
    assert Span.of([4.0, 1.0, 2.0]) == Span(2.0, 1.0, 4.0) and Span.of([]) == Span()
