"""What is looked at around each backward pass beside the gradients: the loss, where it was made and of what, and how far back it reaches.

At close looks only; always on is the number of the loss's node, which a later pass through the same graph is known by.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn

from ..source_lines import Line
from .between import Window
from .cast import Cast
from .census import Census
from .graph_age import oldest
from .here import Here
from .holders import Holder, code_of, holders, old_state, schedulers
from .losses import is_number, terms_of
from .moments import Moments
from .scores import Scores
from .settings import set_in
from .spoilt import Spoilt, spoilt
from .way_back import WayBack

_AT = frozenset((7, 11, 40, 160))  # steps after which variables are looked at
_KEPT = 256  # losses that are known by their numbers
_FIRST = 12
_MODELS = 30  # whose lines are looked for


class Looks:
    """Asked by the doors of models, backward passes and optimizers."""

    def __init__(self, here: Here):
        self.window, self.census, self.scores = Window(here), Census(), Scores(here)
        self.moments, self.way = Moments(), WayBack()
        self.losses: dict[int, int] = {}  # the nodes of losses, and the steps that they belong to
        self.last = -1  # the number of the last backward pass's loss
        self.retained = False
        self.spoilt: Spoilt | None = None
        self.holders: list[Holder] = []
        self.known: dict[int, tuple[CodeType | None, str]] = {}  # the models that ran, and whose variables they were

    @staticmethod
    def due(close: bool, step: int) -> bool:
        """Whether the loss and the weights are looked at: of the close looks, the first dozen, and later some."""
        return close and (step < _FIRST or step % 40 == 0)

    def shut(self) -> None:
        """Look no longer at what stands between the passes: another begins."""
        self.window.shut()
        self.scores.shut()

    def ran(self, model: nn.Module, output: Any, close: bool, step: int) -> None:
        """A model has run: what does the user's code do with its output from here on?"""
        learning, due = torch.is_grad_enabled(), self.due(close, step)
        evaluating = not (learning and model.training)
        if self.scores.due(due, evaluating) and next(model.parameters(), None) is not None:
            self.scores.open(output, step, evaluating)
        if learning and due:
            self.window.open(output)

    def before_backward(self, loss: Tensor | None, close: bool, retain: bool) -> dict[str, Any]:
        """What a `Backward` tells beside its gradients."""
        node = None if loss is None else loss.grad_fn
        self.scores.shut()
        told: dict[str, Any] = {"made": self.window.lines.of_loose(loss)}
        if loss is None or node is None:
            self.window.close()
            return told
        told |= {"root": node._sequence_nr(), "before": self.last}
        if close:
            terms, window = terms_of(loss), self.window
            window.shut()
            terms = tuple(window.placed(term) for term in terms)
            values = tuple(term.value for term in window.terms.of(loss) if term.graph is not None)
            told |= {"leaf": is_number(terms), "terms": terms, "values": values, "broadcast": window.broadcast(), "idle": window.idle(loss)}
            self.census.norms.look(self.way.look(node))
        if self.retained or (close and retain):
            told["oldest"] = oldest(node)
        self.window.close()
        self.retained = self.retained or retain
        return told

    def spoil(self, loss: Tensor | None, close: bool, step: int) -> None:
        """A loss that is not known, or not finite; of the first that is not finite the reason is looked for."""
        if loss is not None and loss.grad_fn is not None and loss.numel() == 1 and (close or loss.is_cpu):
            self.window.shut()
            self.spoilt = spoilt(loss, step, self.census, self.window.lines.of)

    def after_backward(self, loss: Tensor | None, step: int, failed: bool) -> dict[str, Any]:
        """The same, once the pass is over; where it failed, the variable whose graph had been used before."""
        node = None if loss is None else loss.grad_fn
        if node is None:
            return {}
        before, self.last = self.last, node._sequence_nr()
        seen = {**self.way.told(self.census.name_of), **self.census.norms.told()}
        if failed:
            first, told = oldest(node), {"root": self.last, "before": before}
            return told | {"oldest": first, "state": old_state(before, 3) if first <= before else None}
        if len(self.losses) < _KEPT:
            while node is not None and len(self.losses) < _KEPT:
                self.losses[node._sequence_nr()] = step
                parents = [parent for parent, _ in node.next_functions if parent is not None]
                node = parents[0] if len(parents) == 1 and len(self.losses) % 4 else None
        return seen

    def end(self) -> None:
        """The watch is over."""
        self.window.close()
        self.scores.shut()
        self.way.let_go()
        self.census.compare()

    def is_due(self, step: int) -> bool:
        """Whether what takes longer is looked at after this step."""
        return step in _AT

    def meet(self, number: int, name: str) -> None:
        """A model that runs for the first time."""
        self.known[number] = code_of(name, 3) if name and len(self.known) < _MODELS else None, name

    def births(self) -> tuple[tuple[int, Line], ...]:
        """The models that ran, and the lines that set their variables."""
        return tuple((number, Line() if code is None else set_in(code, name)[1]) for number, (code, name) in self.known.items())

    def after_step(self, step: int, schedules: Cast) -> None:
        """Now and then: which variables keep the losses of earlier steps, and which schedulers are there, asked or not?"""
        self.window.close()
        self.scores.again()
        self.way.again()
        if self.is_due(step):
            for name, scheduler in schedulers(3):
                schedules.number(scheduler, name)
            earlier = {number: at for number, at in self.losses.items() if at < step}
            self.holders += [holder._replace(number=step) for holder in holders(earlier, 3)]
