"""The Full Stack Deep Learning troubleshooting guide on one page: its stages in the order in which they are climbed."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Stage:
    """One rung of the guide's ladder: its name, what the user asks there, and the magics that answer."""

    name: str
    question: str
    magics: tuple[str, ...]


LADDER = (
    Stage("start_simple", "Is my first set-up simple and sane?", ("start_simple",)),
    Stage("run", "Why does it crash: shapes, casting, memory, other?", ("shape_trace", "explain_error")),
    Stage("memory", "Does it fit: what takes the room, and how large a batch is left?", ("memory_plan",)),
    Stage("overfit", "Can it drive one batch to zero loss?", ("overfit_batch",)),
    Stage("loop", "What goes wrong in my own training loop?", ("watch",)),
    Stage("data", "Are the loaders sound: labels that belong to their inputs, splits apart, nothing broken?", ("data_audit",)),
    Stage("compare", "Does it do what a known implementation or a baseline does?", ("compare_known",)),
    Stage("evaluate", "Bias, variance, distribution shift, or an over-used validation set?", ("bias_variance",)),
    Stage("shift", "Do the splits hold the same kind of data; if not, where do they differ, and does it hurt?", ("distribution_shift",)),
    Stage("improve", "What to do next, in which order, and what would it gain?", ("improve",)),
    Stage("error_analysis", "Which data does it get wrong, and what would pay off?", ("error_analysis", "adapt_domain")),
    Stage("tune", "Which hyperparameters, found how?", ("tune",)),
)


def stage(name: str) -> Stage:
    """The rung of that name.

    >>> stage("overfit").magics
    ('overfit_batch',)
    """
    return next(rung for rung in LADDER if rung.name == name)
