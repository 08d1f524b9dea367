"""Panels: an experiment's options as controls, below its result, to try changes in. Nothing here is made unless it is asked for.

An experiment that has more to offer than its options has a file here, by its name, with a function `build(panel, request, report)`; all
others share `any_experiment`. The folder lists itself.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any


def builder(name: str) -> Callable[..., Any]:
    """What fills the panel of an experiment.

    >>> builder("overfit_batch").__module__.rpartition(".")[2], builder("diagnose").__module__.rpartition(".")[2]
    ('overfit_batch', 'any_experiment')
    """
    own = importlib.util.find_spec(f"{__name__}.{name}") is not None
    return importlib.import_module(f"{__name__}.{name if own else 'any_experiment'}").build
