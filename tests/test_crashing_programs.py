"""The programs that do not run, held against plain torch: each raises what its record says, where it says it, and its twin runs two steps.

Nothing of dldebug but the Subject is used here, so that the records can be trusted where the checks are judged by them.
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections import Counter
from typing import Any

import pytest
import torch

from dldebug_magics.engine.subject import Subject
from tests.crashing import CRASHES, Crash

CAUSES = """linear_in_features_mismatch missing_flatten channels_last_input missing_batch_dim missing_channel_dim extra_singleton_dim
    tensor_shape_mismatch spatial_size_collapse non_contiguous_view class_dim_wrong num_classes_mismatch reduction_wrong_dim
    embedding_index_error label_out_of_range labels_2d labels_wrong_dtype one_hot_to_ce bce_on_logits float64_input uint8_input
    device_mismatch disk_dtype_mismatch int_overflow_preprocess inplace_autograd_error double_backward non_scalar_loss bn_batch_size_one
    module_overwritten model_not_callable_signature uninitialised_lazy_parameters bias_before_bn""".split()
each = pytest.mark.parametrize("program", CRASHES, ids=lambda program: program.name)


def into(subject: Subject, batch: Any) -> tuple[tuple, dict, tuple]:
    """What an everyday loop does with a batch: `model(**batch)` or `model(batch)` for a dict, `model(x)` and the last item as target."""
    takes = list(inspect.signature(subject.model.forward).parameters)
    if isinstance(batch, dict):
        if subject.loss_fn is None:
            return (), batch, ()
        return (batch,), {}, (batch["label"],)
    *inputs, target = batch
    return tuple(inputs[: len(takes)]), {}, (target,)


def run(subject: Subject, which: str = "first", steps: int = 2) -> tuple[str, Exception | None, list[torch.Tensor]]:
    """Train for some steps on one batch: in which phase it raised, what, and the losses."""
    batches = list(subject.train)
    phase, losses = "forward", []
    arguments, keywords, targets = into(subject, batches[0 if which == "first" else -1])
    for step in range(steps):
        try:
            phase = "forward"
            output = subject.model(*arguments, **keywords)
            phase = "loss"
            loss = subject.loss_fn(output, *targets) if subject.loss_fn is not None else output.loss
            phase = "backward"
            subject.optimizer.zero_grad()
            loss.backward()
            phase = "step"
            subject.optimizer.step()
        except Exception as error:
            return "second pass" if step else phase, error, losses
        losses.append(loss.detach())
    return "", None, losses


@pytest.mark.filterwarnings("ignore:Using a target size")
@each
def test_the_faulty_program_raises_what_its_record_says(program: Crash):
    try:
        phase, error, _ = run(program.make(True), program.batch)
    except Exception as raised:
        phase, error = "build", raised
    assert type(error) is (program.kind or type(None)), error
    assert (phase or "silent") == program.phase, error
    assert program.message in str(error)


@each
def test_its_twin_runs(program: Crash):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Using a target size")
        phase, error, losses = run(program.make(False), program.batch)
    assert error is None, f"{phase}: {error}"
    assert all(loss.is_meta or loss.isfinite() for loss in losses)


@each
def test_a_program_is_small_and_the_same_each_time(program: Crash):
    program.make(False)  # what is imported once does not count
    start = time.process_time()
    losses = _losses(program)
    assert time.process_time() - start < 0.2 * 5, "five times the limit, for a machine that is slow"
    assert all(one.is_meta or torch.equal(one, other) for one, other in zip(losses, _losses(program), strict=True))


def _losses(program: Crash) -> list[torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return run(program.make(False), program.batch)[2]


def test_every_cause_is_there_and_no_name_twice():
    assert set(CAUSES) == {program.cause for program in CRASHES}
    assert all(set(program.accept) <= set(CAUSES) for program in CRASHES)
    assert max(Counter(program.name for program in CRASHES).values()) == 1


@pytest.mark.parametrize("program", [p for p in CRASHES if p.cause == "disk_dtype_mismatch"], ids=lambda program: program.name)
def test_numbers_read_in_the_wrong_way_are_absurd(program: Crash):
    faulty, fixed = (next(iter(program.make(faulty).train))[0] for faulty in (True, False))
    assert faulty.shape == fixed.shape
    assert not torch.isfinite(faulty).all() or faulty.abs().max() > 1e6
    assert fixed.abs().max() < 10


def test_bytes_that_wrap_differ_by_256():
    program = next(p for p in CRASHES if p.name == "brightness_of_bytes")
    faulty, fixed = (next(iter(program.make(faulty).train))[0] * 255 for faulty in (True, False))
    wrapped = faulty < 59.5
    assert wrapped.any() and torch.allclose(faulty[~wrapped], fixed[~wrapped])
    assert (fixed[wrapped] == 255).all()


@pytest.mark.parametrize("program", [p for p in CRASHES if p.cause == "bias_before_bn"], ids=lambda program: program.name)
def test_a_bias_before_batch_norm_has_no_gradient(program: Crash):
    subject = program.make(True)
    run(subject, steps=1)
    bias = next(p for name, p in subject.model.named_parameters() if name.endswith("bias"))
    assert bias.grad.abs().max() < 1e-6
