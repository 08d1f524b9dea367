"""The causes of shapes that do not fit, in other spellings than the examples of the checks: named first, and the first change runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.ask import ask
from dldebug_magics.engine.evidence import Confidence
from dldebug_magics.engine.subject import Subject

PROGRAMS: list[Any] = []


class Net(nn.Module):
    """Layers and parameters by name, and what `forward` does with them."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **parts: Any):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(part) if isinstance(part, Tensor) else part)
        self.does = forward

    def forward(self, x: Tensor) -> Any:
        return self.does(self, x)


def program(cause: str, name: str, net: nn.Module, x: Any, y: Tensor | None = None, loss: Any = None, **options: Any) -> None:
    batch = x if isinstance(x, dict) else (x, torch.arange(4) % 3 if y is None else y)

    def make() -> Subject:
        return Subject(net, loss or nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01), [batch], **options)

    PROGRAMS.append(pytest.param(cause, make, id=name))


def chain(*layers: nn.Module, wide: int = 8) -> nn.Sequential:
    """A net for pictures, with a head that takes maps of any size."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 3))


torch.manual_seed(0)
PICTURES, ROWS, STEPS, WORDS = torch.rand(4, 3, 10, 10), torch.randn(4, 6), torch.randn(4, 7, 6), torch.randint(0, 20, (4, 9))
ONE_ROW, ONE_PICTURE, COLUMN, MAPS = torch.randn(4, 1, 3, 20), torch.rand(12, 12), torch.ones(4, 1), torch.randint(0, 3, (4, 10, 10))


def conv(wide: int = 4) -> nn.Conv2d:
    return nn.Conv2d(3, wide, 3)


MISMATCH = "linear_in_features_mismatch"
program(MISMATCH, "view by a number", Net(lambda s, x: s.fc(s.c(x).view(-1, 400)), c=conv(), fc=nn.Linear(400, 3)), PICTURES)
program(MISMATCH, "view that cuts samples", Net(lambda s, x: s.fc(s.c(x).view(-1, 128)), c=conv(), fc=nn.Linear(128, 3)), PICTURES)
program(
    MISMATCH,
    "all samples in one row, and a number",
    Net(lambda s, x: s.fc(torch.flatten(s.c(x))), c=conv(), fc=nn.Linear(400, 3)),
    PICTURES,
)
program(MISMATCH, "functional linear", Net(lambda s, x: F.linear(x, s.w, s.b), w=torch.randn(3, 8), b=torch.zeros(3)), ROWS)
program(MISMATCH, "product with a parameter", Net(lambda s, x: x @ s.w, w=torch.randn(8, 3)), ROWS)
program(MISMATCH, "layer norm", nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(12), nn.Linear(16, 3)), ROWS)
program(MISMATCH, "batch norm", chain(conv(8), nn.BatchNorm2d(16)), PICTURES)
program(MISMATCH, "group norm", chain(conv(8), nn.GroupNorm(4, 16)), PICTURES)
program(MISMATCH, "two convolutions", chain(conv(8), nn.ReLU(), nn.Conv2d(16, 8, 3)), PICTURES)
program(MISMATCH, "grey pictures", chain(conv(8)), PICTURES[:, :1])
attention = Net(lambda s, x: s.h(s.a(x, x, x)[0].mean(1)), a=nn.MultiheadAttention(16, 2, batch_first=True), h=nn.Linear(16, 3))
program(MISMATCH, "attention", attention, torch.randn(4, 7, 8))
encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
program(MISMATCH, "encoder", Net(lambda s, x: s.h(s.t(s.e(x)).mean(1)), e=nn.Linear(6, 8), t=encoder, h=nn.Linear(16, 3)), STEPS)
program(MISMATCH, "channels first", Net(lambda s, x: s.h(s.c(x)).mean(1), c=nn.Conv1d(3, 8, 3), h=nn.Linear(8, 3)), torch.randn(4, 3, 20))

FLAT = "missing_flatten"
program(FLAT, "all samples in one row", Net(lambda s, x: s.h(torch.flatten(s.c(x))), c=conv(), h=nn.Linear(256, 3)), PICTURES)
program(FLAT, "functional linear on maps", Net(lambda s, x: F.linear(s.c(x), s.w), c=conv(), w=torch.randn(3, 256)), PICTURES)
program(FLAT, "as many features as columns", nn.Sequential(conv(), nn.ReLU(), nn.MaxPool2d(2), nn.Linear(4, 3)), PICTURES)

JOIN = "tensor_shape_mismatch"
program(JOIN, "batch size in a view", Net(lambda s, x: s.fc(s.c(x).view(32, 256)), c=conv(), fc=nn.Linear(256, 3)), PICTURES)
program(JOIN, "parameter to be transposed", Net(lambda s, x: x @ s.w, w=torch.randn(3, 6)), ROWS)
both = {"a": nn.Linear(6, 8), "b": nn.Linear(6, 4), "h": nn.Linear(12, 3)}
program(JOIN, "joined along the batch", Net(lambda s, x: s.h(torch.cat([s.a(x), s.b(x)], 0)), **both), ROWS)
token = {"token": torch.zeros(1, 1, 8), "e": nn.Linear(6, 8), "h": nn.Linear(8, 3)}
program(JOIN, "class token", Net(lambda s, x: s.h(torch.cat([s.token, s.e(x)], 1)[:, 0]), **token), STEPS)
program(JOIN, "channel weights", Net(lambda s, x: s.h((s.c(x) * s.c(x).mean((2, 3))).mean((2, 3))), c=conv(8), h=nn.Linear(8, 3)), PICTURES)
program(JOIN, "step weights", Net(lambda s, x: s.h((x * s.g(x).squeeze(-1)).sum(1)), g=nn.Linear(6, 1), h=nn.Linear(6, 3)), STEPS)
state = {"r": nn.LSTM(6, 8, batch_first=True), "h": nn.Linear(8, 3)}
program(JOIN, "state of a fixed batch", Net(lambda s, x: s.h(s.r(x, (torch.zeros(1, 32, 8),) * 2)[0][:, -1]), **state), STEPS)
program(JOIN, "noise of a fixed batch", Net(lambda s, x: s.h(x + torch.randn(32, 6)), h=nn.Linear(6, 3)), ROWS)
program(JOIN, "residual of other width", Net(lambda s, x: s.h(x + s.a(x)), a=nn.Linear(6, 8), h=nn.Linear(8, 3)), ROWS)
program(
    JOIN,
    "positions not cut",
    Net(lambda s, x: s.h((s.e(x) + s.p).mean(1)), e=nn.Linear(6, 8), h=nn.Linear(8, 3), p=torch.zeros(1, 50, 8)),
    STEPS,
)
program(JOIN, "maps of half the size", nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1)), PICTURES, MAPS)

CALL = "model_not_callable_signature"
program(CALL, "state and outputs to a layer", Net(lambda s, x: s.h(s.r(x)), r=nn.LSTM(6, 8, batch_first=True), h=nn.Linear(8, 3)), STEPS)
program(CALL, "state and outputs sliced", Net(lambda s, x: s.h(s.r(x)[:, -1]), r=nn.LSTM(6, 8, batch_first=True), h=nn.Linear(8, 3)), STEPS)
program(CALL, "two outputs to the loss", Net(lambda s, x: (s.h(x), s.g(x)), h=nn.Linear(6, 3), g=nn.Linear(6, 2)), ROWS)
program(CALL, "a dict to the loss", Net(lambda s, x: {"out": s.h(x)}, h=nn.Linear(6, 3)), ROWS)
program(CALL, "a list of layers", Net(lambda s, x: s.all(x), all=nn.ModuleList([nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)])), ROWS)
program(CALL, "a dict to a layer", nn.Sequential(nn.Linear(6, 3)), {"x": ROWS, "id": torch.arange(4), "label": torch.arange(4) % 3})

program(
    "extra_singleton_dim", "signals", nn.Sequential(nn.Conv1d(3, 8, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3)), ONE_ROW
)
program(
    "extra_singleton_dim", "target column", Net(lambda s, x: s.h(x).sigmoid().squeeze(1), h=nn.Linear(6, 1)), ROWS, COLUMN, nn.BCELoss()
)
program("missing_batch_dim", "rows and columns only", chain(nn.Conv2d(1, 8, 3)), ONE_PICTURE, torch.tensor(1))
program(
    "missing_batch_dim",
    "rows of a table",
    Net(lambda s, x: s.h(s.r(x)[0][:, -1]), r=nn.LSTM(6, 8, batch_first=True), h=nn.Linear(8, 3)),
    ROWS,
)
program("missing_channel_dim", "flat pictures", chain(nn.Conv2d(1, 8, 3)), torch.rand(4, 144))
program("missing_channel_dim", "grey pictures for colours", chain(conv(8)), torch.rand(4, 12, 12))
program("channels_last_input", "words", Net(lambda s, x: s.c(s.e(x)).amax(2), e=nn.Embedding(20, 8), c=nn.Conv1d(8, 3, 3)), WORDS)
program("channels_last_input", "batch norm of steps", nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3), nn.Flatten()), STEPS)
program("embedding_index_error", "parameter", Net(lambda s, x: s.h(s.t[x].mean(1)), h=nn.Linear(8, 3), t=torch.randn(10, 8)), WORDS + 3)
program(
    "embedding_index_error",
    "padding of -1",
    Net(lambda s, x: s.h(s.e(x).mean(1)), e=nn.Embedding(20, 8), h=nn.Linear(8, 3)),
    WORDS.clamp(max=19) - 1,
)
turned = Net(lambda s, x: s.h(s.r(x.transpose(0, 1))[0].permute(0, 2, 1).view(x.size(0), -1)), r=nn.GRU(6, 8), h=nn.Linear(56, 3))
program("non_contiguous_view", "time in front", turned, STEPS)
program(
    "spatial_size_collapse",
    "instance norm",
    chain(nn.Conv2d(3, 8, 3, stride=2), nn.InstanceNorm2d(8), nn.Conv2d(8, 8, 3), nn.InstanceNorm2d(8)),
    PICTURES[..., :8, :8],
)
program("spatial_size_collapse", "reflected borders", chain(nn.ReflectionPad2d(5), conv(8)), PICTURES[..., :4, :4])


@pytest.mark.parametrize(("cause", "make"), PROGRAMS)
def test_the_cause_is_named_first_and_a_change_runs(cause, make):
    report = list(ask("shape_trace", make()))[-1]
    assert [f.name for f in report.findings][:1] == [cause], report.sentence()
    assert report.findings[0].confidence is Confidence.PROVEN
    assert report.tried[0].runs and report.tried[0].name == cause and report.tried[0].code
    assert report.untouched, report.left_behind


def test_a_program_of_its_own_step_is_lent_and_put_back():
    net = nn.Sequential(conv(), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    last, weight = net[3], net[3].weight
    step = lambda batch: F.cross_entropy(net(batch[0]), batch[1])  # noqa: E731
    report = list(ask("shape_trace", Subject(net, None, torch.optim.Adam(net.parameters()), [(PICTURES, torch.arange(4) % 3)], step=step)))[
        -1
    ]
    assert report.findings[0].name == MISMATCH and report.tried[0].runs and report.untouched
    assert net[3] is last and last.weight is weight and last.in_features == 8


def test_no_sample_is_cut_away_to_make_a_loss_run():
    """Six outputs for four targets: a change that drops two of them would run, and say nothing true."""
    net = Net(lambda s, x: s.h(x).reshape(-1), h=nn.Linear(6, 2))
    loss = lambda output, target: (output[:6] - target).square().mean()  # noqa: E731
    report = list(ask("shape_trace", Subject(net, loss, None, (ROWS, torch.randn(4)))))[-1]
    assert report.experiment.failure is not None and not any(change.runs for change in report.tried)
