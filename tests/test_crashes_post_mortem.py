"""The programs that do not run, let crash in an everyday loop: the traceback alone tells the part of the step, and the call fails again."""

from __future__ import annotations

import pytest
import torch

from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.post_mortem import Phase, failure_of
from dldebug_magics.instruments.post_mortem.rebuilt import subject_of
from tests.crashing import CRASHES, Crash
from tests.test_crashing_programs import into

PARTS = {
    "build": {Phase.OTHER},
    "forward": {Phase.FORWARD, Phase.LOSS},  # a library's model may compute its loss itself
    "loss": {Phase.LOSS},
    "backward": {Phase.BACKWARD},
    "step": {Phase.STEP},
    "second pass": {Phase.FORWARD, Phase.LOSS, Phase.BACKWARD, Phase.STEP},
}
RAISING = [program for program in CRASHES if program.kind is not None]


def trained(program: Crash, made: list[Subject]) -> None:
    """Two steps without a safety net."""
    made.append(program.make(True))
    net, criterion, optimizer = made[0].model, made[0].loss_fn, made[0].optimizer
    batches = list(made[0].train)
    arguments, keywords, targets = into(made[0], batches[0 if program.batch == "first" else -1])
    for _ in range(2):
        output = net(*arguments, **keywords)
        loss = criterion(output, *targets) if criterion is not None else output.loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("program", RAISING, ids=lambda program: program.name)
def test_what_the_traceback_of_a_crash_tells(program: Crash):
    made: list[Subject] = []
    with pytest.raises(program.kind) as caught:
        trained(program, made)
    error = caught.value
    before = str(error), error.__traceback__, error.__cause__, error.__context__
    failure = failure_of(error)
    assert failure.phase in PARTS[program.phase] and failure.error is error and failure.line.place
    assert failure.call is None or (failure.call.what is made[0].model and failure.call.name == "net" and failure.call.exact)
    assert failure.loss is None or failure.call is not None or failure.loss.name
    subject = subject_of(failure)
    assert (subject is None) == (failure.phase in (Phase.BACKWARD, Phase.STEP, Phase.OTHER))
    if subject is not None:
        with torch.enable_grad(), pytest.raises(program.kind) as again:
            loss_of(subject)
        assert str(again.value) == str(error)
    assert before == (str(error), error.__traceback__, error.__cause__, error.__context__)
