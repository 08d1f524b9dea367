"""Borrowing leaves no trace: random programs in random states, stopped at random moments, compared byte by byte."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import random
import warnings
from typing import Any

import numpy
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from dldebug_magics.engine import snapshot, twin
from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.fingerprint import changed, fingerprint
from dldebug_magics.engine.subject import Subject
from tests.deep_state import differences, state_of
from tests.healthy import KINDS, make
from tests.random_programs import programs

MOMENTS = ("forward", "backward", "optimizer step", "after")
STOPS = (KeyboardInterrupt, RuntimeError, None)
relaxed = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Stop:
    """Trains as a loop would, does other things a run may do, and raises at one moment of one step."""

    def __init__(self, error: type[BaseException] | None, moment: str, at: int, steps: int = 4):
        self.error, self.moment, self.at, self.steps, self.reached = error, moment, at, steps, False

    def train(self, subject: Subject) -> None:
        for number in range(self.steps):
            wanted = number == self.at

            def closure(wanted: bool = wanted) -> Tensor:
                subject.optimizer.zero_grad(set_to_none=random.random() < 0.5)
                loss = loss_of(subject).loss
                self.maybe("forward", wanted)
                if wanted and self.moment == "backward" and loss.requires_grad:
                    loss.register_hook(lambda gradient: self.maybe("backward", True))
                if loss.requires_grad:
                    loss.backward()
                return loss

            if isinstance(subject.optimizer, torch.optim.LBFGS):
                subject.optimizer.step(closure)
            else:
                closure()
                subject.optimizer.step()
            self.maybe("optimizer step", wanted)
        self.disturb(subject)
        self.maybe("after", True)

    def maybe(self, moment: str, wanted: bool) -> None:
        if wanted and moment == self.moment and self.error is not None:
            self.reached = True
            raise self.error("stopped on purpose")

    def disturb(self, subject: Subject) -> None:
        """What cures and instruments do, and what a careless model might."""
        subject.model.eval()
        subject.model.requires_grad_(False)
        subject.model.register_forward_hook(lambda *passed: None)
        subject.model.new = {"attribute": 1}
        for group in subject.optimizer.param_groups:
            group["lr"] *= 100
        subject.optimizer.state.clear()
        warnings.simplefilter("ignore")
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        random.random(), numpy.random.rand(), torch.rand(1)


def lent_and_stopped(subject: Subject, stop: Stop) -> Lender:
    lender = Lender(subject)
    with contextlib.suppress(*filter(None, STOPS)), lender.lend() as lent:
        stop.train(lent)
    return lender


@settings(relaxed, max_examples=120)
@given(programs(), st.sampled_from(STOPS), st.sampled_from(MOMENTS), st.integers(0, 3))
def test_no_trace_is_left_on_random_programs_stopped_at_random_moments(subject, error, moment, at):
    before, printed = state_of(subject), fingerprint(subject)
    lent_and_stopped(subject, Stop(error, moment, at))
    assert differences(before, state_of(subject)) == []
    assert changed(printed, fingerprint(subject)) == ()


@settings(relaxed, max_examples=40)
@given(programs(), st.integers(1, 3))
def test_no_trace_is_left_where_there_is_room_for_no_copy(subject, loans):
    before = state_of(subject)
    free = twin.free
    twin.free = lambda device: 0.0
    try:
        lender = Lender(subject)
        assert not lender.copies
        for _ in range(loans):
            with lender.lend() as lent:
                assert lent.model is subject.model
                Stop(None, "", 0).train(lent)
            assert differences(before, state_of(subject)) == []
    finally:
        twin.free = free


@settings(relaxed, max_examples=40)
@given(programs())
def test_a_lent_program_trains_as_the_users_own_would(subject):
    """The oracle: the same steps by hand on the user's objects, after the loan has been given back."""
    assume(not isinstance(subject.optimizer, torch.optim.LBFGS))
    lender = Lender(subject)
    with lender.lend() as lent:
        torch.manual_seed(7)
        borrowed = trained(lent)
    torch.manual_seed(7)
    own = trained(subject)
    assert borrowed == own


def trained(subject: Subject, steps: int = 4) -> list[float]:
    losses = []
    for _ in range(steps):
        subject.optimizer.zero_grad()
        loss = loss_of(subject).loss
        losses.append(loss.item())
        if loss.requires_grad:
            loss.backward()
        subject.optimizer.step()
    return losses


@pytest.mark.parametrize("kind", KINDS)
def test_healthy_programs_train_alike_in_every_loan_and_as_their_own(kind):
    subject = make(kind, "Adam")
    subject = dataclasses.replace(subject, batch=_first(subject.train))
    before = state_of(subject)
    lender = Lender(subject)
    runs = []
    for _ in range(2):
        with lender.lend() as lent:
            torch.manual_seed(7)
            runs.append(trained(lent))
        assert differences(before, state_of(subject)) == []
    torch.manual_seed(7)
    assert runs[0] == runs[1] == trained(subject)


def _first(train: Any) -> Any:
    return (
        train
        if isinstance(train, (Tensor, tuple))
        else next(iter(torch.utils.data.DataLoader(train, 16) if hasattr(train, "columns") else train))
    )


SNAPSHOT = {"caches_activation", "penalised_weights"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_of_lending(kind):
    """A copy, but where a `step` of the user's own, a loss or a forward pass leads back to the model itself."""
    subject = make(kind, "SGD")
    subject = dataclasses.replace(subject, batch=_first(subject.train))
    lender = Lender(subject)
    assert lender.copies is (subject.step is None and kind not in SNAPSHOT)
    with lender.lend() as lent:
        assert (lent.model is subject.model) is not lender.copies
        held = {id(p) for group in lent.optimizer.param_groups for p in group["params"]}
        assert held == {id(p) for p in lent.model.parameters() if p.requires_grad}


X, Y = torch.randn(4, 3), torch.randn(4, 1)


def small(**changes: Any) -> Subject:
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    subject = Subject(net, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), batch=(X, Y))
    return dataclasses.replace(subject, **changes)


def uncopied_hooks() -> Subject:
    subject = small()
    subject.model[0].weight.register_hook(lambda gradient: gradient * 0)
    return subject


def uncopied_optimizer_hooks() -> Subject:
    subject = small()
    subject.optimizer.register_step_pre_hook(lambda *passed: None)
    return subject


def tied_by_memory() -> Subject:
    subject = small()
    subject.model[0].extra = nn.Parameter(subject.model[0].weight.data)
    return subject


def copies_itself_badly() -> Subject:
    class Net(nn.Linear):
        def __deepcopy__(self, memo):
            return self

    net = Net(3, 1)
    return small(model=net, optimizer=torch.optim.SGD(net.parameters(), lr=0.1))


def wrapped_optimizer() -> Subject:
    class Wrapped(torch.optim.SGD):
        def __init__(self, parameters):
            super().__init__(parameters, lr=0.1)
            self.ahead = [1]

    subject = small()
    return small(model=subject.model, optimizer=Wrapped(subject.model.parameters()))


def patched_by_the_user() -> Subject:
    subject = small()
    plain = subject.optimizer.step
    subject.optimizer.step = lambda closure=None: plain(closure)
    return subject


FAR = nn.Linear(1, 1)


def reads_a_global_network() -> Subject:
    class Net(nn.Linear):
        def forward(self, x):
            return FAR(super().forward(x))

    net = Net(3, 1)
    return small(model=net, optimizer=torch.optim.SGD([*net.parameters(), *FAR.parameters()], lr=0.1))


@pytest.mark.parametrize(
    "maker", [uncopied_hooks, uncopied_optimizer_hooks, tied_by_memory, copies_itself_badly, wrapped_optimizer, patched_by_the_user]
)
def test_a_copy_that_would_not_be_the_same_program_is_not_used(maker):
    subject = maker()
    before = state_of(subject)
    lender = lent_and_stopped(subject, Stop(RuntimeError, "optimizer step", 2))
    assert not lender.copies and differences(before, state_of(subject)) == []


def test_a_network_behind_a_global_name_is_restored():
    subject = reads_a_global_network()
    before = state_of(subject, far=FAR)
    lent_and_stopped(subject, Stop(KeyboardInterrupt, "optimizer step", 2))
    assert differences(before, state_of(subject, far=FAR)) == []


def test_a_network_that_only_the_graph_leads_to_is_restored():
    class Far:
        """Out of reach: the walk does not go into what belongs to the standard library."""

        import threading

        local = threading.local()

    Far.local.net = nn.Linear(1, 1)
    far = Far.local.net
    local = Far.local

    subject = small(loss_fn=lambda output, y: functional.mse_loss(local.net(output), y))
    lender = Lender(subject)
    weight = far.weight.detach().clone()
    with lender.lend() as lent:
        loss_of(lent).loss.backward()
        far.weight.data.add_(1)
    assert torch.equal(far.weight, weight) and far.weight.grad is None


def test_what_a_copys_hook_writes_for_the_user_is_taken_back():
    seen: list[Tensor] = []
    subject = small()
    subject.model[1].register_forward_hook(lambda module, given, output: seen.append(output))
    lender = Lender(subject)
    with lender.lend() as lent:
        assert lent.model is not subject.model
        loss_of(lent)
        assert len(seen) == 1
    assert seen == []


def test_a_target_network_and_its_diary_in_a_step_are_restored():
    online, target, diary = nn.Linear(3, 1), nn.Linear(3, 1), {"losses": []}
    optimizer = torch.optim.Adam(online.parameters())

    def step(batch):
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                slow.lerp_(fast, 0.1)
        loss = functional.mse_loss(online(batch[0]), target(batch[0]) + batch[1])
        diary["losses"].append(loss.item())
        return loss

    subject = Subject(online, None, optimizer, step=step, batch=(X, Y))
    before = state_of(subject)
    lent_and_stopped(subject, Stop(None, "", 0))
    assert differences(before, state_of(subject)) == [] and diary["losses"] == []


def test_a_scheduler_that_patched_the_optimizer_survives_both_ways():
    for way in (True, False):
        subject = small()
        scheduler = torch.optim.lr_scheduler.OneCycleLR(subject.optimizer, 0.5, total_steps=20)
        subject = dataclasses.replace(subject, scheduler=scheduler, step=None if way else lambda b, net=subject.model: net(b[0]).sum())
        before = state_of(subject)
        lender = Lender(subject)
        assert lender.copies is way
        with warnings.catch_warnings(), lender.lend() as lent:
            warnings.simplefilter("error")
            for _ in range(3):
                loss_of(lent).loss.backward()
                lent.optimizer.step()
                lent.scheduler.step()
            assert lent.scheduler.last_epoch == 3 and lent.scheduler.optimizer is lent.optimizer
        assert differences(before, state_of(subject)) == []


def test_loans_follow_one_another_and_stand_inside_one_another():
    subject = small()
    before, lender = state_of(subject), Lender(subject)
    with lender.lend() as outer:
        Stop(None, "", 0).train(outer)
        with lender.lend() as inner:
            assert inner.model is not outer.model and inner.model.training
        Stop(None, "", 0).disturb(outer)
    assert differences(before, state_of(subject)) == []


def test_a_loan_in_a_generator_ends_when_the_generator_does():
    subject = make("caches_activation", "SGD")
    subject = dataclasses.replace(subject, batch=_first(subject.train))
    before, lender = state_of(subject), Lender(subject)

    def steps():
        with lender.lend() as lent:
            while True:
                yield trained(lent, 1)

    for end in (lambda g: g.close(), lambda g: g.throw(KeyboardInterrupt)):
        generator = steps()
        next(generator), next(generator)
        with contextlib.suppress(KeyboardInterrupt):
            end(generator)
        assert differences(before, state_of(subject)) == []


@pytest.mark.parametrize("kind", ["multi_layer_perceptron", "caches_activation", "own_step"])
def test_a_loan_in_inference_mode_can_be_trained(kind):
    subject = make(kind, "Adam")
    subject = dataclasses.replace(subject, batch=_first(subject.train))
    with torch.inference_mode():
        before = state_of(subject)
        with Lender(subject).lend() as lent:
            assert not torch.is_inference_mode_enabled()
            losses = trained(lent)
        assert differences(before, state_of(subject)) == []
    assert losses[-1] < losses[0]


def test_a_model_that_draws_numbers_when_copied_leaves_them_where_they_were():
    class Net(nn.Linear):
        def __deepcopy__(self, memo):
            torch.rand(3), random.random()
            return nn.Linear(3, 1)

    net = Net(3, 1)
    subject = Subject(net, nn.MSELoss())
    before = state_of(subject)
    with Lender(subject).lend() as lent:
        assert lent.model is not net
    assert differences(before, state_of(subject)) == []


def test_grad_mode_stays_as_the_user_has_it():
    with torch.no_grad(), Lender(small()).lend() as lent:
        assert not loss_of(lent).loss.requires_grad


def test_precisions_set_one_by_one_are_read_and_kept():
    cudnn = torch.backends.cudnn
    before = cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision
    try:
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = "ieee", "tf32"
        with Lender(small()).lend():
            torch.backends.cuda.matmul.fp32_precision = "tf32"
            cudnn.conv.fp32_precision = "tf32"
        assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("ieee", "tf32")
        assert torch.backends.cuda.matmul.fp32_precision == "none"
    finally:
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = before


def test_a_default_device_of_the_users_is_kept():
    subject = small()
    torch.set_default_device("cpu")
    try:
        before = state_of(subject)
        with Lender(subject).lend():
            torch.set_default_device("meta")
        assert differences(before, state_of(subject)) == [] and torch.device("cpu") == torch.utils._device.CURRENT_DEVICE
    finally:
        torch.set_default_device(None)


def test_a_device_mode_around_the_call_does_no_harm():
    subject = small()
    before = state_of(subject)
    with torch.device("meta"), Lender(subject).lend() as lent:
        assert trained(lent)[0] > 0
    assert differences(before, state_of(subject)) == []


def test_a_crashing_model_is_lent_all_the_same():
    class Crashing(nn.Linear):
        def forward(self, x):
            self.calls = getattr(self, "calls", 0) + 1
            raise ValueError("in forward")

    net = Crashing(3, 1)
    subject = small(model=net, optimizer=torch.optim.SGD(net.parameters(), lr=0.1))
    before = state_of(subject)
    with pytest.raises(ValueError, match="in forward"), Lender(subject).lend() as lent:
        loss_of(lent)
    assert differences(before, state_of(subject)) == []


def test_a_subject_without_optimizer_batch_or_parameters_can_be_lent():
    for subject in (Subject(nn.Identity()), Subject(nn.Linear(1, 1)), Subject(nn.Flatten(), nn.MSELoss(), batch=(X, Y))):
        with Lender(subject).lend() as lent:
            assert lent.optimizer is None and type(lent.model) is type(subject.model)


def test_room_is_counted_once_for_tied_weights_and_with_the_optimizers_state():
    net = nn.Linear(10, 10, bias=False)
    subject = Subject(nn.Sequential(net, net), nn.MSELoss(), torch.optim.Adam(net.parameters()))
    net(torch.ones(1, 10)).sum().backward()
    subject.optimizer.step()
    sizes = {id(t): t.numel() * t.element_size() for t in snapshot.owned(subject)}
    assert sum(sizes.values()) == 3 * 400 + 4
    real = twin.free
    try:
        twin.free = lambda device: 2.0 * 1204 + 1
        assert twin.fits(subject)
        twin.free = lambda device: 2.0 * 1204
        assert not twin.fits(subject)
    finally:
        twin.free = real


def test_a_copy_is_one_with_its_optimizer_and_scheduler():
    subject = small()
    subject = dataclasses.replace(subject, scheduler=torch.optim.lr_scheduler.StepLR(subject.optimizer, 1))
    with Lender(subject).lend() as lent:
        mine = copy.deepcopy(lent.model[0].weight)
        trained(lent, 1)
        assert not torch.equal(mine, lent.model[0].weight) and lent.scheduler.optimizer is lent.optimizer
