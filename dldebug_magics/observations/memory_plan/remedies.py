"""What each of the guide's remedies would save, measured as the plan itself is: each on a sheet of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from torch import nn

from ...cures.batch_size import of
from ...cures.less_memory import all_but_last_frozen, checkpointed, mixed_precision, narrower, without_state
from ...engine.paper import mode_of
from ...engine.subject import Subject
from .measured import evaluated, trained
from .usage import Usage

NARROWER = "half as many units in"


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One remedy: what is done, the bytes at the peak without and with it, and the line that does it."""

    name: str
    before: int
    after: int
    code: str

    @property
    def saved(self) -> int:
        """The bytes that it saves at the peak."""
        return self.before - self.after


def remedies(subject: Subject, plan: Usage, evaluation: Usage, samples: int | None) -> Iterator[Remedy]:
    """The remedies that apply to this program, one by one; what does not run with one has none."""
    graph = evaluated(subject, state=plan.state, gradients=True).peak.total
    yield Remedy("no graph in evaluation", graph, evaluation.peak.total, "with torch.no_grad(): ...")
    for name, code, measure in _in_training(subject, plan, samples):
        after = _peak(measure)
        if after is not None:
            yield Remedy(name, plan.peak.total, after, code)


def _peak(measure: Callable[[], Usage]) -> int | None:
    """The peak with a remedy; None for a program that does not run with it, for whatever reason of its own."""
    try:
        return measure().peak.total
    except Exception:
        return None


def _in_training(subject: Subject, plan: Usage, samples: int | None) -> Iterator[tuple[str, str, Callable[[], Usage]]]:
    if samples is not None and samples > 1:
        half = samples // 2
        yield (
            f"{half} samples at a time, gradients of 2 batches added up",
            "(loss / 2).backward()  # optimizer.step() after every second batch",
            lambda: trained(subject, of(half), micro_batches=2),
        )
    if mode_of(subject) is None:
        return  # for real only the batch is changed: a loan is one program
    yield ("mixed precision (bfloat16)", "with torch.autocast(device.type, torch.bfloat16): ...", lambda: trained(subject, mixed_precision))
    for names in _blocks(subject.model, plan):
        said = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        code = "torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)"
        yield f"gradient checkpointing of {said}", code, lambda names=names: trained(subject, checkpointed(names))  # type: ignore[misc]
    wide = next((use.name for use in plan.modules if use.kind == "Linear"), None)
    if wide is not None:
        yield f"{NARROWER} {wide}", "nn.Linear(in_features, out_features // 2)", lambda: trained(subject, narrower(wide, 0.5))
    yield "all but the last layer frozen", "parameter.requires_grad_(False)", lambda: trained(subject, all_but_last_frozen)
    if plan.state:
        yield "an optimizer without state", "torch.optim.SGD(model.parameters(), lr)", lambda: trained(subject, without_state)


def _blocks(model: nn.Module, plan: Usage) -> Iterator[tuple[str, ...]]:
    """The blocks that can be computed twice: all of the longest row of equals, and the module that keeps most."""
    kept = {use.name: use.kept for use in plan.modules}
    inside = {name: sum(size for part, size in kept.items() if part.startswith(f"{name}.")) for name, _ in model.named_modules() if name}
    rows = [
        tuple(f"{name}.{child}" if name else child for child, module in parent.named_children() if any(True for _ in module.children()))
        for name, parent in model.named_modules()
        if isinstance(parent, (nn.ModuleList, nn.Sequential))
    ]
    longest = max(rows, key=len, default=())
    if len(longest) > 1:
        yield longest
    most = max(inside, key=lambda name: inside[name], default="")
    if most and inside[most] and not isinstance(model.get_submodule(most), nn.ModuleList) and longest != (most,):
        yield (most,)
