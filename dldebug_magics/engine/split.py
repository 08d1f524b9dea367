"""Which part of a batch goes into the model, and which into the loss.

The rules are those of everyday training loops: `model(x)` and `loss_fn(output, y)` for a pair, `model(**batch)` for a dict, more inputs
where `forward` wants more, more targets where the loss wants more. Parts that neither asks for (an index, a file name) are left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .arguments import Arguments
from .nested import fields, is_record
from .subject import Subject
from .takes import Takes, forward_of, parameters, required

LABELS = ("labels", "label", "targets", "target", "y")
_WHOLE = ("batch", "data", "sample", "samples", "features", "inputs_dict", "example", "examples")  # parameters that take a batch as it is
Split = tuple[tuple, dict[str, Any], tuple[Any, ...]]


def split(subject: Subject, batch: Any) -> Split:
    """A batch as (positional arguments, keyword arguments, targets) of model and loss."""
    if isinstance(batch, Arguments):
        return batch.positional, batch.keywords, batch.targets
    takes = parameters(forward_of(subject.model))
    if isinstance(batch, Mapping) or is_record(batch) or any(name in LABELS for name in getattr(batch, "_fields", ())):
        return _split_named(subject, batch, takes)
    if not isinstance(batch, (tuple, list)) or isinstance(batch, PackedSequence):
        return (batch,), {}, _targets(subject, (), (batch,))
    if subject.loss_fn is None:
        return tuple(batch), {}, ()
    return _split_items(subject, tuple(batch), takes)


def holds_inputs_only(model: nn.Module, batch: Any) -> bool:
    """Whether all of a batch goes into the model, so that nothing is left to compare an output with.

    >>> import torch
    >>> holds_inputs_only(nn.Flatten(), torch.zeros(2, 3)), holds_inputs_only(nn.Flatten(), (torch.zeros(2, 3), torch.zeros(2)))
    (True, False)
    """
    if isinstance(batch, Tensor):
        return True
    if isinstance(model, torch.jit.ScriptModule) or not isinstance(batch, (tuple, list, Mapping)):
        return False  # asking for a scripted forward would leave a mark on it
    takes = parameters(forward_of(model))
    if isinstance(batch, Mapping):
        return not any(name in LABELS for name in batch) and (takes is None or set(batch) <= set(takes))
    return takes is not None and required(takes, unknown=0) == len(batch)


def _split_items(subject: Subject, items: tuple[Any, ...], takes: Takes | None) -> Split:
    """Inputs first, as many as `forward` takes; then targets, as many as the loss wants, from behind the inputs."""
    arguments, keywords = _unpacked(items[0], takes)
    count = 1
    if not arguments and not keywords:
        count = max(1, len(items) - max(1, wanted(subject.loss_fn)))
        if takes is not None:
            count = max(1, required(takes, unknown=1), min(count, len(takes)))
        arguments = items[:count]
    return arguments, keywords, _targets(subject, items[count:] or items[1:][-1:], items[:count])


def _unpacked(first: Any, takes: Takes | None) -> tuple[tuple, dict[str, Any]]:
    """The parts of an input that is a tuple or dict of what `forward` names; nothing for any other input."""
    if isinstance(first, Mapping) and takes is not None and set(first) <= set(takes):
        return (), dict(first)
    if isinstance(first, (tuple, list)) and not isinstance(first, PackedSequence) and required(takes, unknown=1) == len(first) > 1:
        return tuple(first), {}
    return (), {}


def _split_named(subject: Subject, batch: Any, takes: Takes | None) -> Split:
    given = fields(batch)
    label = next((name for name in LABELS if name in given), None) if subject.loss_fn is not None else None
    targets = () if label is None else (given[label],)
    if label is not None and (takes is None or label not in takes or takes[label].default is not inspect.Parameter.empty):
        del given[label]
    known = {name: value for name, value in given.items() if takes is None or name in takes}
    rest = tuple(value for name, value in given.items() if name not in known)
    values, whole = tuple(given.values()), takes is not None and _takes_whole(takes, batch)
    if known and not (rest and whole):
        return (), known, _targets(subject, targets or (rest if label is None else ()), tuple(known.values()))
    left_over = len(given) - required(takes, unknown=1)
    if left_over == 0 and not whole:
        return values, {}, _targets(subject, targets, values)
    if left_over == 1 and not whole and subject.loss_fn is not None and label is None:
        return _split_items(subject, values, takes)
    return (batch,), {}, _targets(subject, targets, values)


def _takes_whole(takes: Takes, batch: Any) -> bool:
    """Whether `forward` has one parameter, and its name or annotation says that it takes the batch as it is."""
    if required(takes, unknown=1) != 1:
        return False
    name, parameter = next(iter(takes.items()))
    said = parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    kind = said.strip("'").partition("[")[0].rpartition(".")[2].lower()
    return name in _WHOLE or kind in ("dict", "mapping", type(batch).__name__.lower())


def _targets(subject: Subject, found: tuple[Any, ...], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """As many of the targets found as the loss wants; without any, an autoencoder's loss compares with the input."""
    takes = parameters(_called(subject.loss_fn))
    if subject.loss_fn is None or (takes is not None and len(takes) == 1):
        return ()
    number = max(1, wanted(subject.loss_fn))
    if len(found) == 1 and isinstance(found[0], (tuple, list)) and number == len(found[0]) > 1:
        return tuple(found[0])
    return found[:number] if found else inputs[:1]


def wanted(loss_fn: Callable[..., Any] | None) -> int:
    """How many targets a loss asks for beside the output; a weight or mask of the user's own loss counts, though it has a default."""
    takes = parameters(_called(loss_fn))
    count = required(takes, unknown=2) - 1
    if takes is not None and not str(getattr(loss_fn, "__module__", "")).startswith("torch"):
        optional = [name for name, p in takes.items() if p.default is not p.empty]
        count += len(optional) == 1 and any(word in optional[0] for word in ("weight", "mask"))
    return count


def _called(loss_fn: Callable[..., Any] | None) -> Callable[..., Any] | None:
    return getattr(loss_fn, "forward", loss_fn)
