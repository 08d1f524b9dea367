"""What becomes of a loop when the fixes of its report are made in its own file: it is run and watched again, from the corrected source."""

from __future__ import annotations

import ast
import importlib
import linecache
import random
import types
from collections.abc import Callable
from typing import Any

import numpy
import torch

from dldebug_magics.ask import Watch

LEFT_ALONE = {  # what is to be changed is not to be found for certain from the line at fault
    "a_second_instance_in_functions",  # the evaluated model is a parameter there
    "in_a_function_called_for_each_epoch",
    "of_folders_in_a_function",  # so is the loader
    "softmax_before_cross_entropy__in_the_model",  # a layer of a Sequential
    "softmax_with_nll__in_the_model",
    "softmax_wrong_dim__logarithm_of_it",
    "model_recreated__in_a_method",
    "nan_inf_numeric__logits_for_skorch",  # a library trains: what is wrong stands in its code, or in another line
    "loss_broadcast__in_skorch",
    "scheduler_per_batch_vs_epoch__interval_in_lightning",
    "output_through_numpy",
    "forward_without_gradients",
    "loss_on_the_classes",
}


def is_cured(watch: Watch, cause: str, function: Any, program: Callable[[Any], Callable[[], Any]] = lambda function: function) -> bool:
    """Whether the report corrects the file of a function for a cause, and the corrected function is free of it.

    True as well where nothing is corrected, for reasons. `program` makes of the function what trains.
    """
    found = next(finding for finding in watch.findings if finding.name == cause)
    module = importlib.import_module(function.__module__)
    corrections = [c for c in watch.report.corrections if cause in c.names]
    if not corrections:
        return not found.fix.edits or found.severity.value == "note" or function.__name__ in LEFT_ALONE
    (correction,) = corrections
    assert correction.source.file == module.__file__ and correction.diff in watch.report.diff
    ast.parse(correction.text)
    torch.manual_seed(7), random.seed(7), numpy.random.seed(7)
    with Watch() as again:
        program(_function(module, correction.text, function.__name__))()
    return cause not in [finding.name for finding in again.alarms] and again.not_examined == ()


def _function(module: types.ModuleType, source: str, name: str) -> Any:
    """A function of a module as another source defines it."""
    file = str(module.__file__).replace(".py", "_corrected.py")
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    made = types.ModuleType(module.__name__)
    made.__package__ = module.__package__
    exec(compile(source, file, "exec"), vars(made))
    return getattr(made, name)
