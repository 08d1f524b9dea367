"""Where the samples of a loader get their random numbers, as far as the user's code shows it: what workers inherit and how they are seeded.

Torch seeds itself, `random` and `numpy.random` anew in each worker and epoch. A generator that is kept somewhere is copied into each worker
as it stands, and a `worker_init_fn` may seed all workers alike. Nothing is drawn here, and no code of the user's is run.
"""

from __future__ import annotations

import dis
import pickle
import types
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch.utils.data import IterableDataset

from ...engine.generators import KINDS, state
from ..source_lines import is_users

_READS = ("__getitem__", "__getitems__", "__call__", "forward")
_SEEDING = frozenset("seed manual_seed default_rng RandomState Random Generator SeedSequence get_worker_info initial_seed fork_rng".split())
_FIXING = frozenset("seed manual_seed seed_everything set_seed seed_all".split())
_DRAWING = frozenset("rand randn randint random normal uniform choice shuffle permutation sample bernoulli rand_like randn_like".split())
_MOST, _LONG = 300, 50  # things looked at; items of a container


class Source(NamedTuple):
    """A generator that workers inherit: its `kind`, as `name` in the user's code, a word for its `state` now. Or, with neither, a
    `worker_init_fn` of the name `seeded_by` that gives all workers one seed."""

    kind: str = ""
    name: str = ""
    state: int = 0
    seeded_by: str = ""


def source_of(loader: Any) -> Source | None:
    """What makes the random numbers of a loader's workers alike; None where nothing is known to, or each sample seeds for itself."""
    if not loader.num_workers or isinstance(loader.dataset, IterableDataset):
        return None
    reading = [(owner, function, _names(function, owner)) for owner, function in _functions(loader.dataset)]
    if any(names & _SEEDING for _, _, names in reading):
        return None
    if loader.worker_init_fn is not None:
        return _fixed(loader.worker_init_fn, any(names & _DRAWING for _, _, names in reading))
    for owner, function, names in reading:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        inner = {name: cell.cell_contents for name, cell in cells if cell != types.CellType()}
        outer = {name: function.__globals__[name] for name in names if name in function.__globals__}
        for name, held in [*getattr(owner, "__dict__", {}).items(), *inner.items(), *outer.items()]:
            if isinstance(held, KINDS) and name in names | inner.keys():
                word = zlib.crc32(pickle.dumps(state(held)))
                return Source(_kind(held), name if held is inner.get(name, outer.get(name)) else f"self.{name}", word)
    return None


def _fixed(function: Any, draws: bool) -> Source | None:
    """Whether a worker's seed is set without its number, and samples draw from what was seeded."""
    code = getattr(function, "__code__", None)
    if code is None or not code.co_argcount or not draws or not _names(function) & _FIXING:
        return None
    number = code.co_varnames[0]
    loads = (i.argval if isinstance(i.argval, tuple) else (i.argval,) for i in dis.get_instructions(code) if "LOAD" in i.opname)
    used = number in code.co_cellvars or any(number in names for names in loads)
    return None if used or _names(function) & {"initial_seed", "get_worker_info", "get_state"} else Source(seeded_by=function.__name__)


def _functions(dataset: Any) -> Iterator[tuple[Any, types.FunctionType]]:
    """The functions of the user's that make a sample, each with its owner: methods of the dataset, and of what it holds."""
    pending: deque[Any] = deque([dataset])
    seen: set[int] = set()
    while pending and len(seen) < _MOST:
        thing = pending.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, types.MethodType):
            pending.append(thing.__self__)
            thing = thing.__func__
        if isinstance(thing, types.FunctionType):
            yield from ((None, function) for function in _mine(thing))
        elif isinstance(thing, (list, tuple, dict)):
            pending.extend(list(thing.values() if isinstance(thing, dict) else thing)[:_LONG])
        elif isinstance(getattr(thing, "__dict__", None), dict) and not isinstance(thing, (type, *KINDS)):
            mine = [method for name in _READS for method in _mine(getattr(type(thing), name, None))]
            yield from ((thing, method) for method in mine)
            if mine or type(thing).__module__.partition(".")[0] in ("torch", "torchvision"):
                pending.extend(vars(thing).values())


def _names(function: types.FunctionType, owner: Any = None) -> frozenset[str]:
    """The names of globals and attributes in a function, and in those methods of its owner that it calls."""
    found: set[str] = set()
    pending: list[types.CodeType] = [function.__code__]
    seen: set[types.CodeType] = set()
    while pending:
        code = pending.pop()
        if code not in seen:
            seen.add(code)
            found.update(code.co_names)
            methods = (getattr(type(owner), name, None) for name in code.co_names) if owner is not None else ()
            pending += [mine.__code__ for method in methods for mine in _mine(method)]
            pending += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
    return frozenset(found)


def _mine(function: Any) -> tuple[types.FunctionType, ...]:
    """The function itself, where it is one of the user's."""
    return (function,) if isinstance(function, types.FunctionType) and is_users(function.__code__.co_filename) else ()


def _kind(generator: Any) -> str:
    module = type(generator).__module__
    return f"{'numpy.random' if module.startswith('numpy') else module.partition('.')[0]}.{type(generator).__name__}"
