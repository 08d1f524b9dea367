"""Who wrote over what the backward pass needs, and which small whole numbers wrapped: against torch's own word and against arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.instruments.overwritten import Overwritten
from dldebug_magics.instruments.wrapped_integers import WrappedIntegers

WRITES = {
    "sigmoid": (lambda x: torch.sigmoid(x).mul_(2), "mul_"),
    "augmented": (lambda x: torch.exp(x).__iadd__(1), "add_"),
    "part": (lambda x: (y := torch.tanh(x), y.__setitem__(0, 0.0))[0], "__setitem__"),
    "functional": (lambda x: F.relu(torch.sigmoid(x), inplace=True), "relu"),
    "none": (lambda x: torch.sigmoid(x) * 2, ""),
    "not needed": (lambda x: (x * 2).add_(1), ""),
}


@pytest.mark.parametrize(("write", "name"), WRITES.values(), ids=WRITES.keys())
def test_the_call_is_found_where_torch_complains(write, name):
    x = torch.randn(4, 3, requires_grad=True)
    with Overwritten(nn.Identity()) as watch:
        write(x * 1)
    assert [found.name for found in watch.found] == ([name] if name else [])
    loss = write(x * 1).sum()
    if name:
        with pytest.raises(RuntimeError, match="inplace operation"):
            loss.backward()
    else:
        loss.backward()


@pytest.mark.parametrize(("one", "other", "right"), [(10, 20, -10), (200, 100, 100), (0, 1, -1)])
def test_a_difference_of_bytes(one, other, right):
    with WrappedIntegers(nn.Identity()) as watch:
        difference = torch.tensor([one, 5], dtype=torch.uint8) - torch.tensor([other, 5], dtype=torch.uint8)
    assert [(found.got, found.right, found.share) for found in watch.found] == ([(int(difference[0]), right, 0.5)] if right < 0 else [])


def test_wide_and_real_numbers_are_left_alone():
    with WrappedIntegers(nn.Identity()) as watch:
        _ = torch.tensor([2**31]) * 2, torch.tensor([200], dtype=torch.uint8) * 1.5, torch.tensor([200], dtype=torch.uint8).float() * 2
    assert watch.found == []
