"""The fingerprint notices every single kind of change, names it, and notices nothing where nothing has changed."""

from __future__ import annotations

import random
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.digest import digest
from dldebug_magics.engine.fingerprint import changed, fingerprint
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of
from tests.healthy import KINDS, make

DIARY: list[float] = []


class Net(nn.Module):
    """With something of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)
        self.hidden = [nn.Linear(2, 2)]
        self.history: list[int] = [1]
        self.settings = types.SimpleNamespace(scale=2.0, table={"a": numpy.zeros(2)})
        self.random = numpy.random.default_rng(0)
        self.seen = torch.zeros(2)

    def forward(self, x):
        return self.head(self.body(x))


class Loss(nn.Module):
    """A loss with a weight and a memory."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, output, y):
        return ((output - y) * self.scale).square().mean()


def full_subject() -> Subject:
    """A subject with everything a fingerprint reads, after two steps."""
    torch.manual_seed(0)
    net, loss = Net(), Loss()
    optimizer = torch.optim.Adam([{"params": net.parameters(), "lr": 0.1}, {"params": loss.parameters(), "lr": 0.2}])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)
    x, y = torch.randn(6, 3), torch.randn(6, 2)
    for _ in range(2):
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
        scheduler.step()
    net.head.bias.grad = None
    loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(1))
    return Subject(net, loss, optimizer, loader, scheduler=scheduler)


def groups(s: Subject) -> list[dict[str, Any]]:
    return s.optimizer.param_groups


def moments(s: Subject) -> dict[str, Any]:
    return s.optimizer.state[s.model.head.weight]


def replace_parameter(s: Subject) -> None:
    s.model.head.weight = nn.Parameter(s.model.head.weight.detach().clone())


def at(space: Any, index: Any, value: Any) -> None:
    space[index] = value


CHANGES: dict[str, tuple[Callable[[Subject], Any], str]] = {
    "a weight by one bit": (lambda s: s.model.head.weight.data.view(torch.int32).bitwise_xor_(1), "model's parameters"),
    "a zero's sign": (lambda s: s.model.seen.neg_(), "model's attributes"),
    "another parameter, equal": (replace_parameter, "model's parameters"),
    "no gradient to zeros": (lambda s: setattr(s.model.head.bias, "grad", torch.zeros(2)), "model's gradients"),
    "a gradient to none": (lambda s: setattr(s.model.head.weight, "grad", None), "model's gradients"),
    "a gradient's numbers": (lambda s: s.model.head.weight.grad.add_(1), "model's gradients"),
    "another gradient, equal": (lambda s: setattr(s.model.head.weight, "grad", s.model.head.weight.grad.clone()), "model's gradients"),
    "a parameter frozen": (lambda s: s.model.head.bias.requires_grad_(False), "model's requires_grad flags"),
    "a running mean": (lambda s: s.model.body[1].running_mean.add_(1e-6), "model's buffers"),
    "a count of batches": (lambda s: s.model.body[1].num_batches_tracked.add_(1), "model's buffers"),
    "one submodule's mode": (lambda s: s.model.body[2].eval(), "model's training modes"),
    "a forward hook": (lambda s: s.model.head.register_forward_hook(lambda *passed: None), "model's hooks"),
    "a forward pre-hook": (lambda s: s.model.register_forward_pre_hook(lambda *passed: None), "model's hooks"),
    "a backward hook": (lambda s: s.model.body[0].register_full_backward_hook(lambda *passed: None), "model's hooks"),
    "a hook on a tensor": (lambda s: s.model.head.weight.register_hook(lambda gradient: gradient), "model's hooks"),
    "a hook after accumulation": (lambda s: s.model.head.weight.register_post_accumulate_grad_hook(lambda p: None), "model's hooks"),
    "an attribute": (lambda s: setattr(s.model, "seen", torch.zeros(2)), "model's attributes"),
    "a new attribute": (lambda s: setattr(s.model.body, "note", 1), "model's attributes"),
    "an attribute gone": (lambda s: delattr(s.model, "seen"), "model's attributes"),
    "a setting of a layer": (lambda s: setattr(s.model.body[2], "p", 0.1), "model's attributes"),
    "a forward of its own": (lambda s: setattr(s.model, "forward", lambda x: x), "model's attributes"),
    "a longer list": (lambda s: s.model.history.append(2), "model's attributes"),
    "an equal list": (lambda s: setattr(s.model, "history", [1]), "model's attributes"),
    "a number deep inside": (lambda s: setattr(s.model.settings, "scale", 3.0), "model's attributes"),
    "an array deep inside": (lambda s: at(s.model.settings.table["a"], 0, 1.0), "model's attributes"),
    "a layer in a plain list": (lambda s: s.model.hidden[0].weight.data.add_(1), "model's attributes"),
    "a submodule": (lambda s: setattr(s.model, "head", nn.Linear(4, 2)), "model's parameters"),
    "a class": (lambda s: setattr(s.model, "__class__", type("Net", (Net,), {})), "model's attributes"),
    "a weight of the loss": (lambda s: s.loss_fn.scale.data.add_(1), "loss_fn's parameters"),
    "a buffer of the loss": (lambda s: s.loss_fn.mean.add_(1), "loss_fn's buffers"),
    "the rate": (lambda s: at(groups(s)[0], "lr", 0.01), "optimizer's settings"),
    "a beta": (lambda s: at(groups(s)[1], "betas", (0.9, 0.99)), "optimizer's settings"),
    "a parameter fewer": (lambda s: groups(s)[0]["params"].pop(), "optimizer's settings"),
    "parameters in another order": (lambda s: groups(s)[0]["params"].reverse(), "optimizer's settings"),
    "another group": (lambda s: s.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]}), "optimizer's settings"),
    "a moment": (lambda s: moments(s)["exp_avg"].mul_(0.9), "optimizer's state"),
    "a count of steps": (lambda s: moments(s)["step"].add_(1), "optimizer's state"),
    "a state gone": (lambda s: s.optimizer.state.pop(s.model.head.weight), "optimizer's state"),
    "a state emptied": (lambda s: s.optimizer.state.clear(), "optimizer's state"),
    "a hook on the optimizer": (lambda s: s.optimizer.register_step_pre_hook(lambda *passed: None), "optimizer's attributes"),
    "a patched step": (lambda s: setattr(s.optimizer, "step", lambda: None), "optimizer's attributes"),
    "the schedule": (lambda s: setattr(s.scheduler, "last_epoch", 9), "scheduler"),
    "python's random numbers": (lambda s: random.random(), "python's random state"),
    "numpy's random numbers": (lambda s: numpy.random.rand(), "numpy's random state"),
    "torch's random numbers": (lambda s: torch.rand(1), "torch's random state"),
    "a generator of the loader": (lambda s: torch.rand(1, generator=s.train.generator), "generators of the data"),
    "a generator of the model": (lambda s: s.model.random.random(), "generators of the data"),
    "grad mode": (lambda s: torch.set_grad_enabled(False), "grad mode"),
    "the default dtype": (lambda s: torch.set_default_dtype(torch.float64), "default dtype"),
    "the default device": (lambda s: torch.set_default_device("meta"), "default device"),
    "a backend flag": (lambda s: setattr(torch.backends.cudnn, "benchmark", True), "cudnn.benchmark"),
    "anomaly detection": (lambda s: torch.autograd.set_detect_anomaly(True), "anomaly detection"),
    "a warning filter": (lambda s: warnings.simplefilter("ignore"), "warning filters"),
    "a hook on all modules": (lambda s: torch.nn.modules.module.register_module_forward_hook(lambda *passed: None), "global hooks"),
}


@pytest.fixture(autouse=True)
def the_process_as_it_was():
    """These tests change the process on purpose; this puts it back without the engine's help."""
    switches = torch.is_grad_enabled(), torch.get_default_dtype(), torch.backends.cudnn.benchmark
    hooks = dict(torch.nn.modules.module._global_forward_hooks)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        yield
    torch.set_default_device(None)
    torch.set_grad_enabled(switches[0])
    torch.set_default_dtype(switches[1])
    torch.backends.cudnn.benchmark = switches[2]
    torch.autograd.set_detect_anomaly(False)
    torch.nn.modules.module._global_forward_hooks.clear()
    torch.nn.modules.module._global_forward_hooks.update(hooks)


@pytest.mark.parametrize("kind", CHANGES)
def test_one_change_is_noticed_and_named(kind):
    subject = full_subject()
    change, part = CHANGES[kind]
    before = fingerprint(subject)
    assert changed(before, fingerprint(subject)) == ()
    change(subject)
    assert part in changed(before, fingerprint(subject))


def test_a_change_is_not_blamed_on_other_parts():
    for kind in ("a weight by one bit", "a gradient to none", "one submodule's mode", "a moment", "the rate", "a longer list", "grad mode"):
        subject = full_subject()
        change, part = CHANGES[kind]
        before = fingerprint(subject)
        change(subject)
        assert changed(before, fingerprint(subject)) == (part,), kind
        torch.set_grad_enabled(True)


def test_a_change_of_what_a_function_closes_over_is_noticed():
    kept, weight = [1], torch.ones(2)

    def loss(output, y):
        return output.sum() * weight.sum() + len(kept) + len(DIARY)

    for role in ("loss_fn", "step"):
        subject = Subject(nn.Linear(1, 1), **{role: loss})
        for change in (lambda: kept.append(2), lambda: weight.add_(1), lambda: DIARY.append(1.0)):
            before = fingerprint(subject)
            change()
            assert changed(before, fingerprint(subject)) == (f"what {role} leads to",)


def test_a_change_of_a_batch_that_was_given_as_it_is_is_noticed():
    subject = Subject(nn.Linear(1, 1), train=(torch.zeros(2, 1), torch.zeros(2, 1)))
    before = fingerprint(subject)
    subject.train[0].add_(1)
    assert changed(before, fingerprint(subject)) == ("batch",)


@pytest.mark.parametrize("kind", KINDS)
def test_looking_changes_nothing(kind):
    subject = make(kind, "Adam")
    before = state_of(subject)
    first, second = fingerprint(subject), fingerprint(subject)
    assert first == second and not differences(before, state_of(subject))


AWKWARD = {
    "empty": lambda: torch.zeros(0),
    "scalar": lambda: torch.tensor(1.0),
    "half": lambda: torch.ones(2, dtype=torch.bfloat16),
    "bool": lambda: torch.tensor([True, False]),
    "complex": lambda: torch.tensor([1 + 2j]),
    "conjugate": lambda: torch.tensor([1 + 2j]).conj(),
    "negative view": lambda: torch.tensor([1 + 2j]).conj().imag,
    "expanded": lambda: torch.ones(1).expand(3),
    "transposed": lambda: torch.arange(6.0).reshape(2, 3).T,
    "sparse": lambda: torch.eye(3).to_sparse(),
    "sparse rows": lambda: torch.eye(3).to_sparse_csr(),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
    "meta": lambda: torch.zeros(2, device="meta"),
    "non-leaf": lambda: torch.ones(2, requires_grad=True) * 2,
    "lazy": lambda: nn.LazyLinear(2).weight,
    "nested": lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", AWKWARD)
def test_every_kind_of_tensor_has_a_digest(kind):
    tensor = AWKWARD[kind]()
    assert digest(tensor, {}) == digest(tensor, {}) != digest(torch.full((7,), 3.0), {})


values = st.recursive(
    st.integers() | st.floats() | st.text(max_size=4) | st.none() | st.booleans() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values, values)
def test_digests_are_equal_just_where_values_are(one, other):
    assert (digest(one) == digest(other)) == (repr(one) == repr(other))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["sparse", "sparse rows", "quantised", "nested", "expanded", "conjugate"])
def test_a_change_in_a_large_tensor_of_another_kind_is_noticed(kind):
    numbers = torch.rand(40, 40) + 1
    other = numbers.clone()
    other[20, 20] += 1
    forms = {
        "sparse": torch.Tensor.to_sparse, "sparse rows": torch.Tensor.to_sparse_csr, "expanded": lambda t: t.expand(3, 40, 40),
        "quantised": lambda t: torch.quantize_per_tensor(t, 0.01, 0, torch.qint32),
        "nested": lambda t: torch.nested.nested_tensor(list(t)), "conjugate": lambda t: torch.complex(t, t).conj(),
    }  # fmt: skip
    assert digest(forms[kind](numbers)) == digest(forms[kind](numbers)) != digest(forms[kind](other))


def test_a_thing_that_holds_itself_has_a_digest():
    ring: list[Any] = [1]
    ring.append(ring)
    holder = types.SimpleNamespace(ring=ring)
    holder.me = holder
    before = digest(holder, {})
    ring.append(2)
    assert digest(holder, {}) != before
