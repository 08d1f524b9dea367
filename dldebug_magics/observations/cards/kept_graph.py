"""What a program keeps with a graph behind it from one step to the next, and whether it differentiates within a step.

Looked for where a program broke because it went back through a graph twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.carried_state import holders, in_graph
from ...engine.ambient import seeded
from ...engine.call import loss_of
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import Calls
from ...instruments.source_lines import NOWHERE, Line
from ..shape_trace import ShapeTrace

_TWICE, _WRITTEN = "backward through the graph a second time", "inplace operation"


@dataclasses.dataclass(frozen=True)
class KeptGraph(Observation):
    """carried: what a pass leaves behind with its graph; several: those of them that are no single tensor;
    built: what was there before and is the same after; by the user's names.

    elsewhere: whether something is kept so outside of the model. within: the line that differentiates in the forward pass or the loss
    without holding the graph.
    """

    carried: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    elsewhere: bool = False
    within: Line = NOWHERE
    calls: str = ""

    @property
    def detached(self) -> str:
        """The lines that take what is carried out of its graph."""
        own = {name: f"self.{name.rpartition('.')[2]}" for name in self.carried}
        several = {name: f"tuple(t.detach() for t in {word})" for name, word in own.items() if name in self.several}
        return "\n".join(f"{word} = {several.get(name, f'{word}.detach()')}" for name, word in own.items())

    @classmethod
    def measure(cls, subject: Subject, trace: ShapeTrace) -> Iterator[KeptGraph]:
        """One forward pass and loss; nothing where no graph was gone through twice."""
        failure = trace.failure
        late = failure is not None and failure.phase == "second pass"
        if failure is None or not (failure.says(_TWICE) or (late and failure.says(_WRITTEN))):
            return
        before = _kept(subject)
        seeded(subject.seed)
        with torch.enable_grad(), Calls(frozenset(("grad", "backward")), subject.model) as calls:
            loss_of(subject)
        after = _kept(subject)
        built = [name for name, value in after.items() if before.get(name) is value]
        within = next(
            (call for call in calls.made if not call.keywords.get("retain_graph") and not call.keywords.get("create_graph")), None
        )
        named = tuple(name for name in after if name and name not in built)
        several = tuple(name for name in named if not isinstance(after[name], Tensor))
        line, call = (within.line, within.name) if within is not None else (NOWHERE, "")
        yield cls(named, several, tuple(filter(None, built)), "" in after, line, call)


def _kept(subject: Subject) -> dict[str, object]:
    """What has a graph behind it, by its path in the model; all that is kept elsewhere under an empty name."""
    paths = {id(module): f"{path}." if path else "" for path, module in subject.model.named_modules()}
    found = {}
    for holder, kept in holders(subject):
        for name, value in kept.items():
            if in_graph(value):
                found[f"{paths[id(holder)]}{name}" if isinstance(holder, nn.Module) and id(holder) in paths else ""] = value
    return found
