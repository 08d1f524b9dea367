"""What can be sent to a worker, and what is said where it can't: one line that names the part."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from ...engine import ambient, snapshot
from ...engine.errors import UserMistake
from ...engine.nested import copied
from ...engine.reach import reached
from ...engine.subject import Subject
from .batches import Material, batches, by_number
from .pools import Pool
from .program import words_of

_MOST = 2**28  # bytes of a dataset of which each worker gets a copy; a larger one is read here


@dataclasses.dataclass(frozen=True)
class Sent:
    """A split on its way: the numbers of its batches, and the material (also packed) to make them from; or the batches themselves."""

    items: Iterable[Any]
    material: Material | None = None
    packed: bytes | None = None


def must_be_shareable(subject: Subject, pool: Pool) -> None:
    """A `UserMistake` where workers could not do what one process does."""
    if subject.step is not None:
        raise UserMistake("a `step` may change the model, so its batches are taken in turn", do=f"leave out {pool.option}")
    device = next((t.device.type for t in (*subject.model.parameters(), *subject.model.buffers()) if t.device.type != "cpu"), "cpu")
    if device != "cpu":
        model = subject.name("model")
        raise UserMistake(
            f"`{model}` is on {device}, which one process keeps busy", do=f"leave out {pool.option}, or move it: {model}.cpu()"
        )


def to_send(subject: Subject, source: Any, name: str) -> Sent:
    """The numbers of a split's batches where workers can read these as they would be read here; else its batches, which are read here."""
    found = by_number(source)
    if found is not None:
        material, numbers = found
        written = _within(material)
        if written is not None and not _drawn_anew(subject, source, material, numbers):
            return Sent(numbers, material, written)
    return Sent(copied(batch, torch.device("cpu")) for batch in batches(source, name))


def packed(thing: Any, parts: Mapping[str, Any], pool: Pool) -> bytes:
    """The bytes of a thing, of which these are the parts by the user's own names."""
    import cloudpickle

    try:
        return cloudpickle.dumps(thing)
    except Exception as error:
        whose = next((name for name, part in parts.items() if not _can_be_packed(part)), next(iter(parts)))
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UserMistake(f"`{whose}` can't be sent to a worker: {said}", do=f"leave out {pool.option}") from None


def _can_be_packed(part: Any) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(part)
    except Exception:  # whatever its class says: that it says something is the answer
        return False
    return True


class _TooLarge(Exception):
    pass


class _Measured(io.BytesIO):
    """Takes no more bytes than are to be sent."""

    def write(self, some: Any) -> int:
        if self.tell() + memoryview(some).nbytes > _MOST:
            raise _TooLarge
        return super().write(some)


def _within(material: Material) -> bytes | None:
    """The bytes of a dataset; None where they are too many, or it can't be sent and is read here."""
    import cloudpickle

    held = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in reached([material], stop=()) if isinstance(t, torch.Tensor)
    }
    written = _Measured()
    if sum(held.values()) > _MOST:
        return None
    try:
        cloudpickle.dump(material, written)
    except Exception:  # an open file, a connection: the loader here can read it
        return None
    return written.getvalue()


def _drawn_anew(subject: Subject, source: Any, material: Material, numbers: Iterable[Any]) -> bool:
    """Whether the first batch is another when it is read again, with other random numbers."""
    with ambient.restored(dataclasses.replace(subject, val=source)), snapshot.reading(source):
        words = set()
        for first in numbers:
            for reading in range(2):
                ambient.seeded(reading)
                words.add(words_of(material.batch(first)))
            break
    return len(words) > 1
