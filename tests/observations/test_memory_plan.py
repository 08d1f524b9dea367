"""The plan: against the profiler, and the words in which it says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.memory_plan import planned, program, really_evaluated, really_largest, really_trained
from dldebug_magics.ask import ask
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.memory import DeviceMemory
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.memory_plan.largest import largest
from tests.by_turns import by_turns
from tests.deep_state import differences, state_of

FAST = ("dense", "conv_net", "unet", "lstm", "autoencoder", "words", "signals", "patches")


def asked(subject, **options):
    return list(ask("memory_plan", subject, **options))[-1]


@pytest.mark.parametrize("name", by_turns(FAST, of=2))
def test_the_planned_peaks_are_the_real_ones(name):
    plan, subject = planned(program(name, 6)), program(name, 6)
    assert plan == pytest.approx((really_trained(subject), really_evaluated(subject)), rel=0.05)


@pytest.mark.parametrize("name", by_turns(["conv_net", "signals"], of=2))
def test_the_largest_batch_is_the_real_one(name):
    limit = 2.5 * really_trained(program(name, 8))
    report = asked(program(name, 8), limit=f"{limit:.0f}")
    assert report.ok
    assert report.experiment.largest == pytest.approx(really_largest(name, limit, 8), rel=0.05)
    assert report.experiment.largest_in_evaluation > report.experiment.largest


def test_largest_of_a_kinked_line_and_of_none():
    assert largest(lambda count: 10 + count + 5 * max(0, count - 40), 100, 8) == 48
    assert largest(lambda count: 100.0 * count, 99, 8) == 0


def test_checkpointing_saves_what_it_saves_for_real():
    def make(inside=lambda block: block):
        torch.manual_seed(0)
        blocks = [nn.Sequential(nn.Linear(32, 128), nn.Tanh(), nn.Linear(128, 32)) for _ in range(4)]
        net, x = nn.Sequential(*map(inside, blocks), nn.Linear(32, 5)), torch.randn(256, 32)
        return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), (x, torch.randint(0, 5, (256,))))

    class Twice(nn.Module):
        def __init__(self, block):
            super().__init__()
            self.block = block

        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(self.block, x, use_reentrant=False)

    plan = asked(make()).experiment
    remedy = next(r for r in plan.remedies if "0 to 3" in r.name)
    real = make(Twice)
    assert remedy.after == pytest.approx(really_trained(Subject(real.model, real.loss_fn, real.optimizer, batch=real.train)), rel=0.05)
    assert remedy.saved > 0.25 * remedy.before


def test_half_the_batch_twice_needs_what_it_needs_for_real():
    plan = asked(program("conv_net", 32)).experiment
    remedy = next(r for r in plan.remedies if r.name.startswith("16 samples"))
    assert really_trained(program("conv_net", 16)) == pytest.approx(remedy.after, rel=0.05)


def test_a_program_that_decides_by_its_numbers_is_run_with_a_few_samples():
    class Deciding(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(200, 300), nn.ReLU(), nn.Linear(300, 10))

        def forward(self, x):
            return self.layers(x if x.mean().item() > 1e9 else 2 * x)

    torch.manual_seed(0)
    net, batch = Deciding(), (torch.randn(512, 200), torch.randint(0, 10, (512,)))
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), batch)
    before = state_of(subject)
    report = asked(subject)
    assert report.experiment.really_run and report.untouched
    assert differences(before, state_of(subject)) == []
    real = really_trained(Subject(net, subject.loss_fn, subject.optimizer, batch=batch))
    assert report.experiment.training.peak.total == pytest.approx(real, rel=0.05)


def test_a_step_of_ones_own_is_run_with_a_few_samples():
    torch.manual_seed(0)
    net, x = nn.Linear(50, 400), torch.randn(64, 50)
    subject = Subject(net, optimizer=torch.optim.SGD(net.parameters(), 0.1), train=x, step=lambda batch: net(batch).square().mean())
    before = state_of(subject)
    report = asked(subject)
    assert report.experiment.really_run and report.ok and report.untouched, report.left_behind
    assert differences(before, state_of(subject)) == []


def test_a_large_model_is_planned_without_its_memory():
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.device("meta"):
        net = GPT2LMHeadModel(GPT2Config(n_layer=4, bos_token_id=0, eos_token_id=0))
    codes = torch.randint(0, 50257, (4, 256))
    first = next(r for r in ask("memory_plan", Subject(net, None, None, {"input_ids": codes, "labels": codes})) if r.experiment)
    parameters = sum(p.nbytes for p in net.parameters())
    assert first.experiment.training.gradients == parameters
    assert first.experiment.training.state == pytest.approx(2 * parameters, rel=1e-3)


def test_the_users_program_is_untouched_and_no_limit_is_no_alarm():
    subject = program("lstm", 8)
    before = state_of(subject)
    report = asked(subject)
    assert differences(before, state_of(subject)) == []
    assert report.ok and report.untouched and not report.alarms
    assert "largest" not in report.sentence() and "its peak, in the" in report.sentence()


def test_the_report_has_the_three_tables():
    report = asked(program("conv_net", 8), limit="100MB")
    text = repr(report)
    assert "Memory at the peak" in text and "What each module takes" in text and "What the remedies would do" in text
    assert "fits into 100 MB; the largest batch is" in report.sentence()


def test_a_crash_of_the_program_is_said_and_is_no_alarm():
    net = nn.Sequential(nn.Linear(4, 5), nn.Linear(6, 2))
    report = asked(Subject(net, nn.MSELoss(), None, (torch.randn(3, 4), torch.randn(3, 2))))
    assert report.sentence().startswith("Not planned: the program crashed (RuntimeError: ")
    assert not report.alarms


def test_what_is_left_on_a_device():
    """Free and cached bytes, less what other tensors of this process hold."""
    net = nn.Linear(10, 10)
    memory = DeviceMemory(total=1e6, free=3e5, allocated=5e4, reserved=2e5)
    report = asked(Subject(net, nn.MSELoss(), None, (torch.randn(3, 10), torch.randn(3, 10)), memory=memory))
    assert report.experiment.limit == 3e5 + 2e5 - (5e4 - 440)
    assert memory.others == 5e5


@pytest.mark.parametrize("limit", ["much", "8XB", "-3GB", "0"])
def test_a_limit_that_is_no_amount_is_the_users_mistake(limit):
    with pytest.raises(UserMistake, match="no amount of memory"):
        asked(program("dense", 4), limit=limit)
