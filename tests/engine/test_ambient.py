"""What belongs to the process goes back to where it was, and only what differs is written to."""

from __future__ import annotations

import random
import warnings

import numpy
import pytest
import torch
from torch import nn

from dldebug_magics.engine import ambient
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of

SUBJECT = Subject(nn.Linear(1, 1))
HOOKS = torch.nn.modules.module._global_forward_hooks
CHANGES = {
    "python's numbers": random.random,
    "numpy's numbers": numpy.random.rand,
    "torch's numbers": lambda: torch.rand(1),
    "seeds": lambda: ambient.seeded(3),
    "grad mode": lambda: torch.set_grad_enabled(False),
    "the default dtype": lambda: torch.set_default_dtype(torch.float64),
    "the default device": lambda: torch.set_default_device("meta"),
    "cudnn": lambda: setattr(torch.backends.cudnn, "enabled", False),
    "precision": lambda: setattr(torch.backends.cudnn, "allow_tf32", not torch.backends.cudnn.allow_tf32),
    "deterministic": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "threads": lambda: torch.set_num_threads(3),
    "filters": lambda: warnings.simplefilter("ignore"),
    "filters taken away": warnings.resetwarnings,
    "hooks": lambda: torch.nn.modules.module.register_module_forward_hook(print),
    "hooks taken away": HOOKS.clear,
}


@pytest.fixture(autouse=True)
def a_hook_of_the_users():
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *passed: None)
    yield
    handle.remove()


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_undone_also_when_the_block_raises(kind):
    before, hooks = state_of(SUBJECT), dict(HOOKS)
    with pytest.raises(ValueError, match="on purpose"), ambient.restored(SUBJECT):
        CHANGES[kind]()
        assert differences(before, state_of(SUBJECT)) or hooks != dict(HOOKS)
        raise ValueError("on purpose")
    assert differences(before, state_of(SUBJECT)) == [] and hooks == dict(HOOKS)


def test_what_did_not_change_is_not_written_to(monkeypatch):
    def never(*given, **named):
        raise AssertionError("written to")

    monkeypatch.setattr(ambient, "PARTS", {name: (read, never) for name, (read, _) in ambient.PARTS.items()})
    with ambient.restored(SUBJECT):
        drawn = torch.rand(2)
    assert torch.equal(drawn, torch.rand(2))


def test_filters_that_are_back_count_again():
    def warned():
        warnings.warn("from one place", UserWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ambient.restored(SUBJECT):
            warnings.simplefilter("default")
            with pytest.warns(UserWarning):
                pass_on = warned
                pass_on()
            warnings.simplefilter("ignore")
            warned()
        with pytest.raises(UserWarning):
            warned()


def test_seeds_leave_nothing_behind_for_an_accelerator_that_is_started_later():
    waiting = len(torch.cuda._queued_calls)
    ambient.seeded(2**40)
    first = random.random(), numpy.random.rand(), torch.rand(1).item()
    ambient.seeded(2**40)
    assert (random.random(), numpy.random.rand(), torch.rand(1).item()) == first and len(torch.cuda._queued_calls) == waiting


def test_precisions_set_one_by_one_are_read_and_kept():
    cudnn = torch.backends.cudnn
    together = cudnn.allow_tf32
    if not hasattr(cudnn, "conv"):
        pytest.skip("this torch has one precision for all")
    try:
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = "ieee", "tf32"
        with ambient.restored(SUBJECT):
            cudnn.conv.fp32_precision = "tf32"
        assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("ieee", "tf32")
    finally:
        cudnn.allow_tf32 = together
