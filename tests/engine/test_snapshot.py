"""A snapshot puts back whatever a step can do to an object, and the objects stay the same ones."""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils.data import TensorDataset

from dldebug_magics.engine import ambient, snapshot
from dldebug_magics.engine.reach import reached
from dldebug_magics.engine.subject import Subject
from tests.deep_state import State, differences, state_of

COUNTED, CALLS = {"steps": 0}, 0


class Slotted:
    """State in slots."""

    __slots__ = ("absent", "value")

    def __init__(self) -> None:
        self.value = 1


class Stubborn(collections.OrderedDict):
    """Forbids what a dict allows, as the outputs of some models do."""

    def update(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("not me")

    clear = pop = __delitem__ = update  # type: ignore[assignment]


class Net(nn.Module):
    """With state in every kind of place, and a counter on the class."""

    count = 0
    registry: list[str] = []  # noqa: RUF012 (shared by all on purpose)

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("mask", torch.ones(1, 2).expand(3, 2))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.cached = self.a(torch.ones(1, 3))
        self.kept = types.SimpleNamespace(deep=[{"deeper": [torch.zeros(2), numpy.zeros(3)]}], slots=Slotted(), many={1, 2})
        self.loose = [nn.Linear(2, 2)]
        self.lock, self.queue = threading.Lock(), collections.deque([1, 2], maxlen=3)
        self.strict = Stubborn(x=1)
        self.alias = self.a.weight.data[0]

    def forward(self, x):
        return self.b(self.a(x))


@pytest.fixture
def subject() -> Subject:
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    net.b.bias.grad = None
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    return Subject(net, nn.MSELoss(), optimizer, scheduler=scheduler)


def in_no_grad(change: Callable[[Subject], Any]) -> Callable[[Subject], Any]:
    return torch.no_grad()(change)


def swap_halves(s: Subject) -> None:
    s.model.half()
    s.model.float()


def parametrise(s: Subject) -> None:
    parametrizations.weight_norm(s.model.a)


def unparametrise(s: Subject) -> None:
    parametrizations.spectral_norm(s.model.b)
    parametrize.remove_parametrizations(s.model.b, "weight")


def train_buffer(s: Subject) -> None:
    s.model.scratch.add_(s.model.a.weight.sum())


def rebind(s: Subject) -> None:
    Net.count += 1
    Net.registry.append("me")
    Net.extra = True


CHANGES: dict[str, Callable[[Subject], Any]] = {
    "nothing": lambda s: None,
    "weights in place": in_no_grad(lambda s: s.model.a.weight.add_(1)),
    "weights through .data": lambda s: setattr(s.model.a.weight, "data", torch.zeros(4, 3)),
    "weights turned round": lambda s: setattr(s.model.a.weight, "data", s.model.a.weight.data.t()),
    "weights turned round in place": in_no_grad(lambda s: s.model.a.weight.t_()),
    "a buffer resized": lambda s: s.model.seen.resize_(1000).fill_(1),
    "a buffer in other memory": lambda s: s.model.seen.set_(torch.ones(2)),
    "another type of number": lambda s: s.model.double(),
    "half and back": swap_halves,
    "a new parameter": lambda s: setattr(s.model.a, "weight", nn.Parameter(torch.zeros(4, 3))),
    "parameters gone": lambda s: s.model.a._parameters.clear(),
    "weight normalisation": parametrise,
    "a parametrisation and off again": unparametrise,
    "gradients to none": lambda s: s.model.zero_grad(set_to_none=True),
    "gradients to zero": lambda s: s.model.zero_grad(set_to_none=False),
    "a gradient where there was none": lambda s: setattr(s.model.b.bias, "grad", torch.ones(2)),
    "a gradient in place": lambda s: s.model.a.weight.grad.mul_(2),
    "all frozen": lambda s: s.model.requires_grad_(False),
    "evaluation mode": lambda s: s.model.a.eval(),
    "hooks": lambda s: (s.model.a.register_forward_hook(print), s.model.a.weight.register_hook(print)),
    "a buffer": lambda s: s.model.seen.fill_(3),
    "a buffer with a graph": train_buffer,
    "another buffer": lambda s: setattr(s.model, "seen", torch.ones(1)),
    "an expanded buffer": lambda s: setattr(s.model, "mask", s.model.mask + 1),
    "its memory": lambda s: s.model.mask.untyped_storage().fill_(0),
    "the cached activation": in_no_grad(lambda s: s.model.cached.add_(1)),
    "another cached activation": lambda s: setattr(s.model, "cached", s.model.a(torch.ones(1, 3))),
    "a tensor deep inside": lambda s: s.model.kept.deep[0]["deeper"][0].add_(1),
    "an array deep inside": lambda s: s.model.kept.deep[0]["deeper"][1].fill(4),
    "a list deep inside": lambda s: s.model.kept.deep.append(1),
    "a dict deep inside": lambda s: s.model.kept.deep[0].update(new=1),
    "an entry under another name": lambda s: s.model.kept.deep[0].update(other=s.model.kept.deep[0].pop("deeper")),
    "slots": lambda s: (setattr(s.model.kept.slots, "value", 2), setattr(s.model.kept.slots, "absent", 3)),
    "a slot gone": lambda s: delattr(s.model.kept.slots, "value"),
    "a set": lambda s: s.model.kept.many.add(3),
    "a deque": lambda s: s.model.queue.extend([5, 6]),
    "a dict that forbids it": lambda s: s.model.strict.__setitem__("x", 2),
    "a layer in a plain list": in_no_grad(lambda s: s.model.loose[0].weight.zero_()),
    "a view of a weight": in_no_grad(lambda s: s.model.alias.fill_(9)),
    "an attribute gone": lambda s: delattr(s.model, "cached"),
    "attributes in another order": lambda s: setattr(s.model, "lock", vars(s.model).pop("lock")),
    "another class": lambda s: setattr(s.model, "__class__", type("Other", (Net,), {})),
    "the class": rebind,
    "the rate": lambda s: s.optimizer.param_groups[0].update(lr=1.0),
    "a new group": lambda s: s.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]}),
    "groups": lambda s: setattr(s.optimizer, "param_groups", []),
    "no state": lambda s: s.optimizer.state.clear(),
    "another state": lambda s: setattr(s.optimizer, "state", collections.defaultdict(dict)),
    "a moment": lambda s: s.optimizer.state[s.model.a.weight]["exp_avg"].zero_(),
    "a count": lambda s: s.optimizer.state[s.model.a.weight]["step"].add_(1),
    "a step": lambda s: (s.model(torch.ones(2, 3)).sum().backward(), s.optimizer.step(), s.scheduler.step()),
    "a loaded state": lambda s: s.optimizer.load_state_dict(torch.optim.Adam(s.model.parameters()).state_dict()),
    "a patched step": lambda s: setattr(s.optimizer, "step", lambda: None),
    "a new schedule": lambda s: torch.optim.lr_scheduler.OneCycleLR(s.optimizer, 1.0, total_steps=5),
    "a global number": lambda s: globals().update(CALLS=CALLS + 1),
    "a global dict": lambda s: COUNTED.update(steps=9),
}


def uses_globals(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return output.sum() * COUNTED["steps"] + CALLS


def look(subject: Subject) -> State:
    """The subject, the attributes of its class, and the globals of its loss."""
    return state_of(subject, of_class=tuple(vars(Net).items()), calls=CALLS, counted=COUNTED)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CHANGES)
def test_any_change_is_undone(kind, subject):
    subject = dataclasses.replace(subject, loss_fn=uses_globals)
    before = look(subject)
    with ambient.restored(subject), snapshot.restored(subject):
        CHANGES[kind](subject)
        changed = look(subject)
    after = look(subject)
    assert bool(differences(before, changed)) == (kind != "nothing")
    assert not differences(before, after)


@pytest.mark.parametrize("kind", ["weights in place", "another type of number", "weight normalisation", "a step"])
def test_any_change_is_undone_when_the_block_raises(kind, subject):
    before = state_of(subject)
    with pytest.raises(RuntimeError, match="of the model"), ambient.restored(subject), snapshot.restored(subject):
        CHANGES[kind](subject)
        raise RuntimeError("of the model")
    assert not differences(before, state_of(subject))


def test_everything_else_is_restored_where_one_thing_cannot_be(subject, monkeypatch):
    bad = torch.zeros(2)
    subject.model.bad = bad
    weight = subject.model.a.weight.detach().clone()
    monkeypatch.setattr(snapshot, "kept_tensor", lambda t, real=snapshot.kept_tensor: (lambda: 1 / 0) if t is bad else real(t))
    with pytest.raises(ZeroDivisionError), snapshot.restored(subject):
        subject.model.a.weight.data.add_(1)
        subject.model.eval()
    assert torch.equal(subject.model.a.weight, weight) and subject.model.training


def test_a_loss_computed_before_can_still_be_differentiated_after(subject):
    loss = subject.model(torch.ones(2, 3)).square().sum()
    with snapshot.restored(subject):
        subject.model(torch.ones(2, 3)).sum().backward()
        subject.optimizer.step()
    loss.backward()
    assert subject.model.a.weight.grad is not None


def test_lazy_layers_become_lazy_again():
    net = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    subject = Subject(net, nn.MSELoss(), optimizer)
    before = state_of(subject)
    with ambient.restored(subject), snapshot.restored(subject):
        net(torch.ones(3, 2)).sum().backward()
        optimizer.step()
        assert type(net[0]) is nn.Linear
    assert type(net[0]) is nn.LazyLinear and not differences(before, state_of(subject))
    net(torch.ones(3, 7)).sum().backward()
    assert net[0].weight.shape == (4, 7)


def test_sparse_gradients_are_restored():
    net = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SparseAdam(net.parameters())
    for codes in ([1, 2], [3, 3]):
        net(torch.tensor(codes)).sum().backward()
        optimizer.step()
    subject = Subject(net, nn.MSELoss(), optimizer)
    before = state_of(subject)
    with snapshot.restored(subject):
        net(torch.tensor([0])).sum().backward()
        optimizer.step()
        net.weight.grad.mul_(3)
    assert not differences(before, state_of(subject))


def test_memory_that_cannot_be_written_to_is_not_written_to(tmp_path):
    numpy.save(tmp_path / "table.npy", numpy.ones((2, 2), dtype=numpy.float32))
    net = nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="not writable"):
        net.register_buffer("table", torch.from_numpy(numpy.load(tmp_path / "table.npy", mmap_mode="r")))
    with snapshot.restored(Subject(net)):
        net.weight.data.zero_()
    assert float(net.table.sum()) == 4 and net.weight.abs().sum().item() > 0


def test_an_optimizer_with_another_inside_it():
    class Sharp(torch.optim.Optimizer):
        """Sharpness-aware: an optimizer around an optimizer."""

        def __init__(self, parameters):
            self.inner = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
            super().__init__(self.inner.param_groups, {})

        def step(self, closure=None):
            return self.inner.step(closure)

    net = nn.Linear(2, 1)
    subject = Subject(net, nn.MSELoss(), Sharp(net.parameters()))
    before = state_of(subject)
    with snapshot.restored(subject):
        net(torch.ones(1, 2)).sum().backward()
        subject.optimizer.step()
        assert subject.optimizer.inner.state
    assert not differences(before, state_of(subject))


def test_a_gradient_scaler_and_a_moving_average_in_a_step():
    net, scaler = nn.Linear(2, 1), torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    average = torch.optim.swa_utils.AveragedModel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(batch):
        loss = net(batch).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        average.update_parameters(net)
        return net(batch).sum()

    subject = Subject(net, None, optimizer, step=step)
    step(torch.ones(1, 2))
    before = state_of(subject)
    with snapshot.restored(subject):
        step(torch.ones(1, 2)).backward()
        assert scaler.get_scale() > 16
    assert scaler.get_scale() == 16 and not differences(before, state_of(subject))


def test_what_a_step_counts_in_its_closure_is_restored():
    net, total = nn.Linear(1, 1), 0

    def step(batch):
        nonlocal total
        total += 1
        return net(batch).sum() * total

    with snapshot.restored(Subject(net, step=step)):
        step(torch.ones(1, 1))
        assert total == 1
    assert total == 0


class Trainer:
    """Whose method is the step."""

    def __init__(self, net: nn.Module):
        self.net, self.seen = net, 0

    @property
    def scale(self) -> int:
        COUNTED["steps"] += 1
        return COUNTED["steps"]

    def step(self, batch):
        self.seen += 1
        return self.net(batch).sum() * self.scale


def test_a_step_that_is_a_method_or_a_partial_is_restored_with_what_it_holds():
    trainer, diary = Trainer(nn.Linear(1, 1)), []
    kept = functools.partial(lambda seen, batch: seen.append(1) or batch.sum(), diary)
    for subject in (Subject(trainer.net, step=trainer.step), Subject(trainer.net, step=kept)):
        with snapshot.restored(subject):
            subject.step(torch.ones(1, 1))
            assert trainer.seen + len(diary) == 1
        assert trainer.seen == len(diary) == COUNTED["steps"] == 0


def test_what_a_step_counts_on_itself_is_restored():
    def step(batch):
        step.calls += 1
        return batch.sum()

    step.calls = 0
    with snapshot.restored(Subject(nn.Linear(1, 1), step=step)):
        step(torch.ones(1))
        assert step.calls == 1
    assert step.calls == 0


def test_a_parameter_that_was_given_another_shape_gets_its_gradient_back():
    net = nn.Linear(2, 2)
    net(torch.ones(1, 2)).sum().backward()
    before, subject = state_of(Subject(net)), Subject(net)
    with snapshot.restored(subject):
        net.weight.grad = None
        net.weight.data = torch.zeros(5, 2, dtype=torch.float64)
        net.weight.grad = torch.ones(5, 2, dtype=torch.float64)
    assert differences(before, state_of(subject)) == []


def test_a_global_that_a_step_makes_is_taken_away_again():
    space: dict[str, Any] = {"net": nn.Linear(1, 1), "total": 0, "seen": []}
    exec(
        "def step(batch):\n    global total, last\n    total += 1\n    last = net(batch).sum()\n    seen.append(last)\n    return last",
        space,
    )
    subject = Subject(space["net"], step=space["step"])
    with snapshot.restored(subject):
        space["step"](torch.ones(1, 1))
        assert space["total"] == 1
    assert space["total"] == 0 and space["seen"] == [] and "last" not in space


def test_data_is_not_walked_into_nor_what_belongs_to_the_process():
    import logging

    data = TensorDataset(torch.zeros(3))
    log = logging.getLogger("dldebug.test")

    def step(batch):
        log.info(len(data))
        return batch.sum()

    found = list(reached([step]))
    assert not any(thing is part for thing in found for part in (data, data.tensors[0], log, logging))


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_model_is_restored():
    net = torch.jit.trace(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), torch.rand(3, 2))
    subject = Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1))
    before = [t.clone() for t in (*net.parameters(), *net.buffers())]
    with snapshot.restored(subject):
        net(torch.rand(3, 2)).sum().backward()
        subject.optimizer.step()
        assert not all(torch.equal(t, b) for t, b in zip((*net.parameters(), *net.buffers()), before, strict=True))
    assert all(torch.equal(t, b) for t, b in zip((*net.parameters(), *net.buffers()), before, strict=True))
    assert all(p.grad is None for p in net.parameters())


def test_what_is_owned():
    net = Net()
    optimizer = torch.optim.SGD(net.b.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    owned = {id(t) for t in snapshot.owned(Subject(net, nn.BCELoss(weight=torch.ones(1)), optimizer))}
    momentum = optimizer.state[net.b.weight]["momentum_buffer"]
    assert {id(t) for t in (*net.parameters(), *net.buffers(), net.cached, net.loose[0].weight, momentum)} <= owned
    assert len(snapshot.modules(Subject(nn.Sequential(net, net), nn.MSELoss()))) == 5
