"""What the samples are, told by their shape and the layer that sees them first."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.modality import Form, form_of
from dldebug_magics.instruments.target_split import target_of


class Turned(nn.Module):
    """What `change` makes of the input goes through a layer; recurrent ones give their outputs alone."""

    def __init__(self, layer, change=lambda x: x):
        super().__init__()
        self.layer, self.change = layer, change

    def forward(self, x):
        out = self.layer(self.change(x))
        return out[0] if isinstance(out, tuple) else out


floats, bytes_ = torch.randn, lambda *shape: torch.randint(0, 255, shape, dtype=torch.uint8)
codes = lambda *shape: torch.randint(0, 9, shape)  # noqa: E731
CASES = {
    "a table": (nn.Linear(5, 2), floats(4, 5), Form("rows", 1)),
    "a table of whole numbers": (Turned(nn.Linear(5, 2), torch.Tensor.float), codes(4, 5), Form("rows", 1)),
    "texts": (nn.Embedding(9, 3), codes(4, 6), Form("tokens")),
    "bags of words": (nn.EmbeddingBag(9, 3), codes(4, 6), Form("tokens")),
    "pictures": (nn.Conv2d(3, 2, 3), floats(4, 3, 8, 8), Form("pictures", 1)),
    "many channels": (nn.Conv2d(12, 2, 3), floats(4, 12, 8, 8), Form("pictures", 1)),
    "channels last": (Turned(nn.Conv2d(3, 2, 3), lambda x: x.movedim(-1, 1)), floats(4, 8, 8, 3), Form("pictures", 3)),
    "bytes": (Turned(nn.Conv2d(1, 2, 3), lambda x: x / 255), bytes_(4, 1, 8, 8), Form("pictures", 1)),
    "flat pictures": (nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), floats(4, 3, 8, 8), Form("pictures", 1)),
    "grey ones without a channel": (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), floats(4, 8, 8), Form("pictures")),
    "grey ones with one put in": (Turned(nn.Conv2d(1, 2, 3), lambda x: x[:, None]), floats(4, 8, 8), Form("pictures")),
    "signals": (nn.Conv1d(2, 3, 3), floats(4, 2, 9), Form("series", 1)),
    "one signal": (Turned(nn.Conv1d(1, 3, 3), lambda x: x[:, None]), floats(4, 9), Form("series")),
    "series": (Turned(nn.GRU(3, 4, batch_first=True)), floats(4, 9, 3), Form("series", 2)),
    "series step by step": (nn.Linear(3, 4), floats(4, 9, 3), Form("series", 2)),
    "volumes": (nn.Conv3d(1, 2, 3), floats(4, 1, 5, 5, 5), Form("")),
    "numbers alone": (Turned(nn.Linear(1, 1), lambda x: x[:, None]), floats(4), Form("")),
    "indices of a table of one's own": (Turned(nn.Identity(), lambda x: torch.eye(9)[x]), codes(4, 6), Form("")),
}


@pytest.mark.parametrize("case", CASES)
def test_the_kind_of_samples(case):
    model, inputs, expected = CASES[case]
    assert form_of(Subject(model, lambda o, t: o.float().mean(), batch=(inputs, torch.zeros(4)))) == expected


def test_the_target_is_the_nearest_to_what_the_model_is_for():
    splits = {"test": 1, "val": 2, "test_val": 3}
    order = []
    while splits:
        order.append(target_of(Subject(nn.Flatten(), **splits))[0])
        del splits[order[-1]]
    assert order == ["test_val", "val", "test"] and target_of(Subject(nn.Flatten(), train=1, train_val=2)) is None
