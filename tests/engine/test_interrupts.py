"""The stop button, really pressed: during a loan, during its clean-up, and both."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time

import pytest
import torch

from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.interrupts import held_at_exit
from tests.deep_state import differences, state_of
from tests.healthy import make

WAYS = {"copy": "conv_batch_norm", "snapshot": "caches_activation", "step": "own_step"}


def press() -> None:
    """What the notebook's stop button does. Python hears it at one of the next instructions."""
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(3):
        time.sleep(0)


class Presses:
    """A context that presses the button when it is left, and says how far its clean-up came."""

    def __init__(self, times: int = 1):
        self.times, self.finished = times, False

    def __enter__(self) -> Presses:
        return self

    def __exit__(self, *error: object) -> None:
        for _ in range(self.times):
            press()
        self.finished = True


@pytest.fixture(autouse=True)
def the_usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def handler_is_back() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_press_nothing_happens():
    with held_at_exit() as stack:
        stack.enter_context(Presses(0))
    assert handler_is_back()


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_press_during_the_clean_up_waits_for_its_end(times):
    outer, inner = Presses(times), Presses(times)
    with pytest.raises(KeyboardInterrupt), held_at_exit() as stack:
        stack.enter_context(outer)
        stack.enter_context(inner)
    assert outer.finished and inner.finished and handler_is_back()


def test_a_press_in_the_block_is_heard_at_once_and_a_second_one_waits():
    cleaned, after = Presses(), []
    with pytest.raises(KeyboardInterrupt), held_at_exit() as stack:
        stack.enter_context(cleaned)
        press()
        after.append("too late")
    assert cleaned.finished and not after and handler_is_back()


def test_an_error_of_the_block_gives_way_to_a_press_in_the_clean_up():
    with pytest.raises(KeyboardInterrupt) as caught, held_at_exit() as stack:
        stack.enter_context(Presses())
        raise ValueError("of the model")
    assert isinstance(caught.value.__context__, ValueError) and handler_is_back()


def test_an_error_passes_through_and_every_context_is_left():
    first, second = Presses(0), Presses(0)
    with pytest.raises(ValueError, match="of the model"), held_at_exit() as stack:
        stack.enter_context(first)
        stack.enter_context(second)
        raise ValueError("of the model")
    assert first.finished and second.finished and handler_is_back()


def test_one_inside_another():
    inner, outer = Presses(), Presses(0)
    with pytest.raises(KeyboardInterrupt), held_at_exit() as stack:
        stack.enter_context(outer)
        with held_at_exit() as deeper:
            deeper.enter_context(inner)
    assert inner.finished and outer.finished and handler_is_back()


def test_a_handler_of_the_users_own_gets_the_press_once_all_is_clean():
    heard = []
    signal.signal(signal.SIGINT, lambda *press: heard.append(cleaned.finished))
    with held_at_exit() as stack:
        cleaned = stack.enter_context(Presses())
    assert heard == [True]


def test_a_button_that_is_ignored_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with held_at_exit() as stack:
        cleaned = stack.enter_context(Presses())
    assert cleaned.finished and signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_have_no_button():
    subject = make("caches_activation", "SGD")
    subject = dataclasses.replace(subject, batch=next(iter(subject.train)))
    before, ended = state_of(subject), []

    def work() -> None:
        with Lender(subject).lend() as lent:
            train(lent, 3)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True] and handler_is_back() and not differences(before, state_of(subject))


def train(subject, steps: int = 100, at: int | None = None) -> None:
    """A bare loop; the button is pressed in the middle of the backward pass of one step."""
    for number in range(steps):
        subject.optimizer.zero_grad()
        loss = loss_of(subject).loss
        if number == at:
            loss.register_hook(lambda gradient: press())
        loss.backward()
        subject.optimizer.step()


@pytest.mark.parametrize("way", WAYS)
def test_a_press_during_a_loan_restores_everything(way):
    subject = make(WAYS[way], "Adam")
    subject = dataclasses.replace(subject, batch=next(iter(subject.train)))
    before = state_of(subject)
    with pytest.raises(KeyboardInterrupt), Lender(subject).lend() as lent:
        train(lent, at=3)
    assert not differences(before, state_of(subject))


@pytest.mark.parametrize("way", WAYS)
def test_a_second_press_during_the_clean_up_of_a_loan_restores_everything(way, monkeypatch):
    subject = make(WAYS[way], "SGD")
    subject = dataclasses.replace(subject, batch=next(iter(subject.train)))
    pressed: list[int] = []
    real = torch.set_rng_state

    def pressing(state: torch.Tensor) -> None:
        pressed.append(1)
        press()
        real(state)

    before = state_of(subject)
    lender = Lender(subject)
    monkeypatch.setattr("dldebug_magics.engine.ambient.torch.set_rng_state", pressing)
    with pytest.raises(KeyboardInterrupt), lender.lend() as lent:
        train(lent, at=2)
    monkeypatch.undo()
    assert pressed and not differences(before, state_of(subject))


def test_a_press_while_the_way_is_found_out_restores_everything():
    subject = make("caches_activation", "SGD")
    subject = dataclasses.replace(subject, batch=next(iter(subject.train)))
    subject.model.register_forward_hook(lambda *passed: press())
    before = state_of(subject)
    with pytest.raises(KeyboardInterrupt):
        Lender(subject)
    assert not differences(before, state_of(subject))
