"""Normalisation layers, where a model has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from ...cures.norms import by_batch, by_sample, normed
from ...engine.call import loss_of
from ...engine.nested import tensors
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.samples import numbered
from ...engine.subject import Subject
from ...instruments.calls import Calls
from ...instruments.layer_order import NORMS
from ...instruments.modality import SERIES, TOKENS, modality
from ..fitting import fitting

_CALLED = frozenset("batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm".split())
_SMALL = 8  # samples: the statistics of fewer are no statistics


@remedy(place=2)
def normalisation_layers(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Add normalisation layers behind the hidden layers.

    Batch norm regularises by the noise of its batches, and lets training go on at rates that would diverge without it. In sequence models
    it is layer norm, and with small batches group norm or layer norm, which look at one sample at a time.

    Not this when: the model is normalised already; or samples of one batch belong together, so that their statistics tell on them.
    Costs: two parameters a channel, little time; batch norm does another thing in evaluation than in training.
    See: FSDL, "addressing over-fitting (reducing variance)", B; Ioffe & Szegedy 2015; Ba et al. 2016; Wu & He 2018.
    """
    if _is_normed(subject):
        yield NotPiloted(f"`{subject.name('model')}` has normalisation layers", fits=False)
        return
    small, sequence = _smallest_batch(subject) < _SMALL, modality(subject) in (TOKENS, SERIES)
    alone = _change(subject, "layer norm", "nn.LayerNorm(units)", by_sample)
    if small and not sequence:
        alone = _change(subject, "norms of single samples", "nn.GroupNorm(8, channels), or nn.LayerNorm(units)", by_sample)
    together = _change(subject, "batch norm", "nn.BatchNorm1d(units), or nn.BatchNorm2d(channels)", by_batch)
    yield from fitting(subject, [alone] if small or sequence else [together, alone], why="no hidden layer that could be normed was found")


def _change(subject: Subject, word: str, line: str, norm_for: Callable) -> Change:
    code = f"# {subject.name('model')}: {line} behind each hidden layer, in front of its activation"
    return Change(f"{word} behind each hidden layer", code, before=normed(norm_for), risk="evaluation differs from training: call eval()")


def _is_normed(subject: Subject) -> bool:
    if any(isinstance(module, NORMS) or "Norm" in type(module).__name__ for module in subject.model.modules()):
        return True
    with torch.enable_grad(), Calls(_CALLED, subject.model) as calls:
        loss_of(subject)
    return bool(calls.made)


def _smallest_batch(subject: Subject) -> int:
    """The samples in a usual batch; the frozen one's, where the loader does not say."""
    data = numbered(subject.train)
    first = next((t for t in tensors(subject.batch) if t.ndim), None)
    return data.batch_size if data is not None else len(first) if first is not None else 1
