"""The table of shapes of every healthy architecture, held against plain hooks, plain sums and torch's counter; and no alarm about any."""

from __future__ import annotations

import functools

import pytest

from dldebug_magics.ask import ask
from dldebug_magics.engine.subject import Subject
from tests.architectures import ARCHITECTURES, Architecture
from tests.architectures.oracle import Counted, counted

pytestmark = pytest.mark.xdist_group("architectures")  # each is traced once
each = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: architecture.name)


@functools.cache
def traced(architecture: Architecture):
    """The report of `shape_trace`."""
    model, batch = architecture.make()
    return list(ask("shape_trace", Subject(model, train=batch), budget=600.0))[-1]  # the first call imports half of torch


@functools.cache
def expected(architecture: Architecture) -> Counted:
    return counted(architecture)


def _modules(architecture: Architecture):
    """The rows of modules. What is hidden from hooks on the user's model may be seen on a copy, and need not be."""
    hidden = [f"{path}." if path else "" for path in architecture.hidden]
    rows = [row for row in traced(architecture).experiment.rows if row.is_module]
    return [row for row in rows if not any(f"{row.path}.".startswith(path) for path in hidden)]


@each
def test_every_call_of_a_module_is_a_row_in_the_order_of_execution(architecture):
    assert [(row.path, row.kind) for row in _modules(architecture)] == [(call.path, call.kind) for call in expected(architecture).calls]


@each
def test_the_shapes_are_those_that_hooks_see(architecture):
    for row, call in zip(_modules(architecture), expected(architecture).calls, strict=True):
        assert tuple((form.shape, form.dtype, form.device) for form in row.outputs) == call.outputs, row.path


@each
def test_parameters_are_counted_once(architecture):
    observed, wanted = traced(architecture).experiment, expected(architecture)
    assert (observed.parameters, observed.trainable) == (wanted.parameters, wanted.trainable)
    rows: dict[str, int] = {}
    for row in _modules(architecture):
        rows[row.path] = rows.get(row.path, 0) + row.parameters
    assert rows == wanted.own


@each
def test_flops_are_what_is_multiplied(architecture):
    flops = sum(row.flops for row in traced(architecture).experiment.rows if row.depth == 0)
    assert flops == expected(architecture).arithmetic or (architecture.hidden and flops < expected(architecture).arithmetic)


@each
def test_no_alarm_and_nothing_changed(architecture):
    report = traced(architecture)
    assert report.experiment.failure is None
    assert [finding.name for finding in report.alarms] == []
    assert report.ok, report.sentence()
    assert report.untouched, report.left_behind


def test_the_oracle_counts_as_one_counts_by_hand():
    by_name = {architecture.name: expected(architecture) for architecture in ARCHITECTURES}
    assert by_name["mlp"].arithmetic == 8 * 2 * (20 * 32 + 32 * 5)
    steps, batch, gates = 6, 4, 4 * 12
    layers = 2 * steps * batch * gates * ((5 + 12) + (12 + 12))
    assert by_name["lstm_with_states"].arithmetic == layers + 2 * steps * batch * 12 * 3
    assert by_name["tied_language_model"].parameters == 30 * 16 + 2 * (3 * 16 * 16 + 3 * 16) + 30
    assert by_name["on_the_meta_device"].parameters == 10**8 + 10**4 + 3 * 10**8 + 3 * 10**4
    assert by_name["decided_by_the_data"].calls[0].outputs == (((4, 2), "float32", "cpu"),)
    assert by_name["unet"].calls[0].outputs == (((4, 1, 18, 18), "float32", "cpu"),)
