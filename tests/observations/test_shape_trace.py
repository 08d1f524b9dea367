"""The table of shapes against independent counts: parameters, shapes, FLOPs, names of axes, folding, and the words around it."""

from __future__ import annotations

import functools
import warnings
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

import dldebug
from dldebug_magics.engine.nested import tensors
from dldebug_magics.instruments.forms import Form
from dldebug_magics.observations.shape_trace.folding import folded, leaves, nested
from dldebug_magics.observations.shape_trace.row import Row
from tests.observations.traced_models import MODELS, Written, tokens

pytestmark = [pytest.mark.filterwarnings("ignore:`torch.jit"), pytest.mark.xdist_group("traced models")]  # each is traced once
aten = torch.ops.aten
NAMES = {  # of the axes of the input
    "encoder": "N=8 x T=10 x 16",
    "written_attention": "N=8 x T=10 x 16",
    "language_model": "int64 N=8 x T=20",
    "tied": "int64 N=8 x T=20",
    "signal": "N=8 x 4 x T=100",
    "points": "N=8 x 100 x 3",
    "looped": "N=4 x 12 x 6",
    "convolutions": "N=8 x 3 x 16 x 16",
    "perceptron": "N=8 x 16",
    "time_first": "20 x 4 x 6",
    "packed": "packed 8 x 6",
    "data_dependent": "3 x 4",
    "graph": "9 x 5",
    "dict_input": "int64 N=3 x T=6",
    "padded": "N=4 x 7 x 6",
    "bert": "int64 N=4 x T=12",
    "gpt2": "int64 N=4 x T=12",
    "llama": "int64 N=4 x T=12",
    "vit": "N=4 x 3 x 16 x 16",
}


@functools.cache
def traced(name):
    torch.manual_seed(0)
    model, batch = MODELS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model, batch, dldebug.shape_trace(model, train=batch)


def run(model, batch):
    if isinstance(batch, dict):
        return model(**batch)
    return model(*batch) if type(batch) is tuple else model(batch)


def _mkldnn_lstm(x, weight, hidden, *_, out_shape=None, **__):
    return 2 * x[0] * x[1] * (weight[0] * weight[1] + hidden[0] * hidden[1])


def _attention(query, key, value, *_, out_shape=None, **__):
    return sdpa_flop_count(query, key, value)


KNOWN = {aten._scaled_dot_product_flash_attention_for_cpu: _attention, aten.mkldnn_rnn_layer: _mkldnn_lstm}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_shapes_and_flops_are_those_of_an_independent_count(name):
    model, batch, report = traced(name)
    trace = report.experiment
    assert report.ok and report.untouched and not report.alarms, report
    torch.manual_seed(0)
    seen, hooks = [], []
    for path, module in model.named_modules():
        hooks.append(module.register_forward_hook(lambda m, a, out, p=path: seen.append((p, [tuple(t.shape) for t in tensors(out)]))))
    with FlopCounterMode(display=False, custom_mapping=KNOWN) as counter:
        run(model, batch)
    rows = [(row.path, [form.shape for form in row.outputs]) for row in trace.rows if row.is_module]
    assert sorted(map(str, rows)) == sorted(map(str, seen))
    count = sum(p.numel() for p in model.parameters())
    assert trace.parameters == count == sum(row.parameters for row in (*trace.rows, *trace.idle))
    assert sum(row.flops for row in trace.rows if row.depth == 0) == counter.get_total_flops()
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("name", NAMES)
def test_axes_have_the_names_that_are_sure(name):
    assert str(traced(name)[2].experiment.rows[0].inputs[0]) == NAMES[name]


@pytest.mark.parametrize("name", MODELS)
def test_the_table_fits_and_says_the_same_in_a_page(name):
    report = traced(name)[2]
    text = repr(report)
    assert max(map(len, text.splitlines())) <= 110
    page = report._repr_html_()
    assert page.count("<details") == page.count("</details>") and "<script" not in page
    assert f"total of {len(report.experiment.rows)} calls" in text and f"{report.experiment.parameters:,}" in page


def test_labels_stand_along_the_names():
    net = nn.Sequential(nn.Conv1d(4, 8, 3), nn.Flatten(0, 1), nn.Linear(98, 8))
    rows = dldebug.shape_trace(net, train=torch.randn(8, 4, 100)).experiment.rows
    assert [str(row.outputs[0]) for row in rows] == ["N*8=64 x 8", "N=8 x 8 x 98", "N*8=64 x 98", "N*8=64 x 8"], (
        "a size that only equals it has no name"
    )
    flat = Written(lambda self, x: self.head(self.words(x).reshape(-1, 4)), words=nn.Embedding(50, 4), head=nn.Linear(4, 50))
    rows = dldebug.shape_trace(flat, train=tokens(8, 20)).experiment.rows
    assert [str(row.outputs[0]) for row in rows] == ["N*T=160 x 50", "N=8 x T=20 x 4", "N*T=160 x 4", "N*T=160 x 50"]


def test_the_second_axis_is_the_batch_where_the_labels_say_so():
    net = Written(lambda self, x: self.head(self.rnn(x)[1][0]), rnn=nn.GRU(6, 8), head=nn.Linear(8, 3))
    batch = torch.randn(20, 4, 6), torch.zeros(4, dtype=torch.long)
    assert str(dldebug.shape_trace(net, nn.CrossEntropyLoss(), train=batch).experiment.rows[0].inputs[0]) == "T=20 x N=4 x 6"


def test_no_names_where_a_layer_takes_the_batch_for_the_time():
    net = Written(lambda self, x: self.head(self.rnn(x)[0][:, -1]), rnn=nn.GRU(6, 8), head=nn.Linear(8, 3))
    batch = torch.randn(4, 20, 6), torch.zeros(4, dtype=torch.long)
    assert str(dldebug.shape_trace(net, nn.CrossEntropyLoss(), train=batch).experiment.rows[0].inputs[0]) == "4 x 20 x 6"


UNSURE = {
    "attention without a batch": (lambda self, x: (x @ x.T).softmax(-1) @ self.layer(x), torch.randn(9, 6)),
    "attention in one call, without a batch": (
        lambda self, x: nn.functional.scaled_dot_product_attention(*[self.layer(x)] * 3),
        torch.randn(9, 6),
    ),
    "the first axis is summed up": (lambda self, x: self.layer(x).mean(0), torch.randn(9, 4, 6)),
    "one picture": (lambda self, x: self.conv(x), torch.randn(3, 8, 8)),
    "a loop along the first axis": (lambda self, x: torch.stack([self.layer(step) for step in x]), torch.randn(9, 4, 6)),
}


@pytest.mark.parametrize("name", UNSURE)
def test_no_names_where_nobody_knows(name):
    forward, x = UNSURE[name]
    net = Written(forward, layer=nn.Linear(6, 6), conv=nn.Conv2d(3, 2, 3))
    report = dldebug.shape_trace(net, train=x)
    assert report.experiment.passed and not any(form.names for row in report.experiment.rows for form in (*row.inputs, *row.outputs))


def test_a_broken_pass_names_what_ran_and_marks_what_broke():
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Flatten())), nn.Linear(10, 2))
    report = dldebug.shape_trace(net, train=torch.randn(8, 3, 8, 8))
    lines = {line.strip().split("  ")[0]: line for line in repr(report).splitlines()}
    assert "N=8 x 4 x 6 x 6" in lines["0 Conv2d"] and "HERE IT BREAKS" in lines["1 Linear"]
    assert report.experiment.rows[-1].failed and sum(row.failed for row in report.experiment.rows) == 1
    assert "HERE IT BREAKS" in report._repr_html_()


def test_an_exception_that_the_model_catches_is_no_failure():
    def forward(self, x):
        try:
            return self.wide(x)
        except RuntimeError:
            return self.right(x)

    report = dldebug.shape_trace(Written(forward, wide=nn.Linear(9, 2), right=nn.Linear(4, 2)), train=torch.randn(3, 4))
    assert report.ok and not any(row.failed for row in report.experiment.rows)


def test_what_repeats_is_folded_and_what_breaks_is_not():
    text = repr(traced("encoder")[2])
    assert "layers.0 to" in text and "x 12" in text and text.count("linear1 Linear") == 1
    assert "c LSTMCell x 12" in repr(traced("looped")[2]).replace("cell LSTMCell", "c LSTMCell")
    layers = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(6)] + [nn.Sequential(nn.Linear(5, 4), nn.ReLU())]
    text = repr(dldebug.shape_trace(nn.Sequential(*layers), train=torch.randn(3, 4)))
    assert "0 to 5 Sequential x 6" in text and "HERE IT BREAKS" in text


def _row(depth, kind, path="", **more):
    return Row(depth, path or kind, kind, True, (Form((2, 4)),), (Form((2, 4)),), **more)


def test_patterns_are_folded_from_the_inside():
    rows = [_row(0, "Net")]
    for block in range(3):
        rows.append(_row(1, "Block", f"b{block}"))
        rows += [_row(2, kind, f"b{block}.{kind}{i}") for i in range(4) for kind in ("Linear", "ReLU")]
    whole = nested(rows)
    assert len(list(leaves(whole))) == 24
    block = folded(whole)[0].below
    assert [(node.row.path, node.times, node.last) for node in block] == [("b0", 3, "b2")]
    assert [(node.row.kind, node.times) for node in block[0].below] == [("Linear", 4), ("ReLU", 4)]


kinds = st.recursive(
    st.sampled_from("ab").map(lambda kind: (kind, ())), lambda below: st.tuples(st.sampled_from("ab"), st.lists(below, max_size=6))
)


def _rows_of(tree, depth=0):
    kind, below = tree
    return [_row(depth, kind), *(row for inner in below for row in _rows_of(inner, depth + 1))]


def _unfolded(nodes):
    """How many rows there were before."""
    return sum(node.times * (1 + _unfolded(node.below)) for node in nodes)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(kinds, max_size=8))
def test_folding_loses_no_row(trees):
    rows = [row for tree in trees for row in _rows_of(tree)]
    assert sum(1 for node in nested(rows) for _ in node.all()) == len(rows) == _unfolded(folded(nested(rows)))
    assert sum(node.count for node in folded(nested(rows))) <= len(rows)


def test_different_sizes_are_not_folded():
    rows = [_row(0, "Net"), *(_row(1, "Linear", f"l{i}", held=i) for i in range(5))]
    assert [node.times for node in folded(nested(rows))[0].below] == [1] * 5


def test_of_very_many_rows_the_first_and_the_last_are_shown():
    def forward(self, x):
        for _ in range(500):
            x = torch.cat([x, self.layer(x[:, :4])], dim=1)
        return x

    report = dldebug.shape_trace(Written(forward, layer=nn.Linear(4, 1)), train=torch.randn(3, 4), depth=9)
    assert len(report.experiment.rows) == 1501
    text = repr(report)
    assert "... 1,380 more rows" in text and "3 x 504" in text and "total of 1501 calls" in text and len(report._repr_html_()) < 60_000


def test_deep_models_fold_below_the_second_level_unless_asked():
    def deep(level):
        if level == 0:
            return nn.Linear(4, 4)
        return nn.Sequential(*(nn.Sequential(deep(level - 1), nn.Tanh() if place else nn.ReLU()) for place in range(2)))

    net, x = deep(4), torch.randn(3, 4)
    text = repr(dldebug.shape_trace(net, train=x))
    assert "rows inside]" in text and "Linear" not in text
    assert "Linear" in repr(dldebug.shape_trace(net, train=x, depth=9))
    page = dldebug.shape_trace(net, train=x)._repr_html_()
    assert "Linear" in page and "<details><summary>" in page


def test_shared_parameters_count_once_and_frozen_ones_are_told():
    tied = traced("tied")[2]
    assert Counter(row.again for row in tied.experiment.rows if row.held) == {False: 2, True: 2}
    assert "counted above" in repr(tied)
    text = repr(traced("frozen_part")[2])
    assert "trainable" in text and text.splitlines()[-4].split()[4:6] == ["58", "18"]
    assert "trainable" not in repr(traced("perceptron")[2])


def test_layers_that_nobody_calls_are_rows_of_their_own():
    page = traced("idle_parts")[2]._repr_html_()
    assert ">never Linear: not called</th>" in page and ">direct Linear: not called</th>" in page


def test_usual_kinds_of_numbers_are_not_told_and_unusual_ones_are():
    net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4)).to(torch.bfloat16)
    text = repr(dldebug.shape_trace(net, train=tokens(3, 5, most=9)))
    assert (
        "Where nothing else is said: bfloat16, on cpu." in text and "int64 N=3" in text and text.split("total of")[0].count("bfloat16") == 2
    ), "in the verdict and in the note"


def test_a_model_on_the_meta_device_takes_no_memory():
    with torch.device("meta"):
        net = nn.Sequential(nn.Embedding(32000, 4096), *(nn.Linear(4096, 4096) for _ in range(8)))
    report = dldebug.shape_trace(net, input="1x64:int64")
    assert report.ok and report.untouched and report.experiment.parameters == 32000 * 4096 + 8 * (4096 * 4096 + 4096)
    assert report.experiment.rows[0].flops == 8 * 2 * 64 * 4096 * 4096 and "on meta" in repr(report)


@pytest.mark.filterwarnings("ignore")
def test_what_is_not_seen_is_said():
    half = nn.Sequential(nn.Linear(4, 8), torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.ReLU())))
    scripted = dldebug.shape_trace(half, train=torch.randn(5, 4))
    assert "Not seen: what runs inside scripted code (`1`, `1.0`, `1.1`)" in repr(scripted)
    assert scripted.experiment.parameters == 112 == sum(row.parameters for row in scripted.experiment.rows)
    whole = torch.jit.trace(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.randn(5, 4))
    report = dldebug.shape_trace(whole, train=torch.randn(5, 4))
    assert report.untouched and [row.outputs[0].shape for row in report.experiment.rows] == [(5, 8)]
    packed = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), {nn.Linear})
    assert "Not counted: the weights of quantised layers (`0`)" in repr(dldebug.shape_trace(packed, train=torch.randn(5, 4)))


def test_a_compiled_model_is_traced_without_compiling():
    from torch._dynamo.utils import counters

    counters.clear()
    net = torch.compile(nn.Sequential(nn.Linear(4, 8), nn.ReLU()))
    report = dldebug.shape_trace(net, train=torch.randn(5, 4))
    assert [row.kind for row in report.experiment.rows] == ["OptimizedModule", "Sequential", "Linear", "ReLU"]
    assert report.untouched and "Compiled: traced as it is without compiling." in repr(report) and not counters["frames"]


def test_lazy_layers_get_their_shapes_on_the_copy_only():
    model, _, report = traced.__wrapped__("lazy")
    assert report.untouched and all(nn.parameter.is_lazy(p) for p in model.parameters())
    assert report.experiment.parameters == 224 + 2890


def test_times_are_shown_when_asked():
    net = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 3))
    batch = torch.randn(32, 64), torch.zeros(32, dtype=torch.long)
    report = dldebug.shape_trace(net, nn.CrossEntropyLoss(), train=batch, time=True)
    modules = [row for row in report.experiment.rows if row.is_module]
    assert all(0 < span.least <= span.median <= span.most for row in modules for span in (row.forward, row.backward)), modules
    assert (
        "<th>backward, ms</th>" in report._repr_html_().replace(' scope="col" align="left" style="text-align:left"', "")
        and report.untouched
    )
    assert "backward" not in repr(dldebug.shape_trace(net, train=batch))
