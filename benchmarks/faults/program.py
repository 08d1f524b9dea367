"""A program as a user has it: model, loss, optimizer and data, the loop that trains it, and the score by which it is judged.

Injections change a freshly built program in place. The score is read as the healthy program reads its outputs, is larger when better, and
does not change with the scale of the targets, so that mutant and twin can be compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.subject import Subject

Pair = tuple[Tensor, Tensor]
Score = Callable[[Tensor, Tensor], float]


@dataclasses.dataclass
class Program:
    """`task` says what the outputs mean: classes, pixels, letters (scores of exclusive classes), log_probs, soft, flags, values, images.

    `read` takes from an output what the score compares with the target, `judged_on` are other samples than those held out; `alone` asks
    about one sample at a time. `rebuild` makes the program anew, with its knobs turned.
    """

    name: str
    task: str
    model: nn.Module
    loss_fn: Callable[..., Tensor]
    data: tuple[Pair, Pair]
    optimizer: Any  # of parameters, until it is built
    epochs: int
    score: Score
    batch_size: int = 32
    read: Callable[[Any], Tensor] = lambda output: output
    judged_on: Pair | None = None
    scheduler: Any = None
    alone: bool = False
    seed: int = 0
    rebuild: Callable[..., Program] | None = None

    def __post_init__(self) -> None:
        self.make_optimizer = self.optimizer
        self.loaders()
        self.refit()

    def loaders(self) -> None:
        """The loaders anew, from `data`."""
        self.train, self.val = (self._loader(pair, shuffle) for pair, shuffle in zip(self.data, (True, False), strict=True))

    def _loader(self, pair: Pair, shuffle: bool) -> DataLoader:
        columns = pair[:1] if self.task == "images" else pair
        order = torch.Generator().manual_seed(self.seed)
        return DataLoader(TensorDataset(*columns), batch_size=self.batch_size, shuffle=shuffle, generator=order)

    def refit(self, **settings: Any) -> None:
        """The optimizer anew, over the model's parameters as they are now, with other settings where some are given."""
        self.optimizer = self.make_optimizer([p for p in self.model.parameters() if p.requires_grad])
        for group in self.optimizer.param_groups:
            group.update(settings)

    def change(self, train: Callable[[Pair], Pair] | None = None, val: Callable[[Pair], Pair] | None = None) -> None:
        """Other data for training, for validation, or for both."""
        self.data = (train(self.data[0]) if train else self.data[0], val(self.data[1]) if val else self.data[1])
        self.loaders()

    def change_inputs(self, change: Callable[[Tensor], Tensor]) -> None:
        """One change of all inputs, in training and validation, as a step of the pre-processing."""
        self.change(lambda pair: (change(pair[0]), pair[1]), lambda pair: (change(pair[0]), pair[1]))

    def subject(self) -> Subject:
        """What a user names in the notebook."""
        return Subject(self.model, self.loss_fn, self.optimizer, self.train, val=self.val, scheduler=self.scheduler, seed=self.seed)


def trained(program: Program) -> float:
    """Train by the loop that anyone writes; the score at the end. What the program raises passes through."""
    for _ in epochs(program):
        pass
    return judged(program)


def epochs(program: Program) -> Iterator[int]:
    """Train epoch by epoch; the number of each when it is over."""
    for number in range(program.epochs):
        for batch in program.train:
            program.optimizer.zero_grad()
            loss = program.loss_fn(program.model(batch[0]), batch[-1])
            loss.backward()
            program.optimizer.step()
        if program.scheduler is not None:
            program.scheduler.step()
        yield number


def judged(program: Program) -> float:
    """The score on what was held out, in evaluation mode."""
    inputs, targets = program.judged_on or program.data[1]
    outputs = torch.cat([program.read(output) for output in answers(program, inputs)])
    count = min(len(outputs), len(targets))
    return program.score(outputs[:count], inputs[:count] if program.task == "images" else targets[:count])


@torch.no_grad()
def answers(program: Program, inputs: Tensor) -> list[Any]:
    """What the model gives for inputs in evaluation mode, part by part."""
    modes = [(module, module.training) for module in program.model.modules()]
    program.model.eval()
    outputs = [program.model(part) for part in parts(inputs, program.alone)]
    for module, mode in modes:
        module.training = mode
    return outputs


def parts(inputs: Tensor, alone: bool) -> Iterator[Tensor]:
    """A hundred samples at a time, or the first hundred one by one."""
    yield from inputs[:100].split(1) if alone else inputs.split(100)


def optimizer(kind: type[torch.optim.Optimizer], **settings: Any) -> Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]:
    """An optimizer that waits for its parameters."""
    return lambda parameters: kind(parameters, **settings)
