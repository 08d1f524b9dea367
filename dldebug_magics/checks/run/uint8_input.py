from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.casting import in_batch, on_the_way, whole_to_real
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.calls import LOSSES
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.failure import Failure
from ..small_data import classes

_BYTES = ("uint8",)
_INDEXED = frozenset("embedding embedding_bag __getitem__ __setitem__ gather scatter scatter_add index_select index_add take".split())
_WHOLE = ("uint8", "int8", "int16", "int32", "int64")


@check(severity=Severity.ERROR)
def uint8_input(trace: ShapeTrace) -> Iterator[Evidence]:
    """Bytes, or other whole numbers, meet weights of real numbers.

    Pictures are stored as bytes of 0 to 255. A layer multiplies real numbers only; and a cast alone leaves inputs that are a hundred times
    too large for weights made for values around 1, so the bytes are to be divided by 255, too.

    Shows as: "Input type (unsigned char) and bias type (float) should be the same"; "expected scalar type Byte but found Float".
    Proven by: the kind of number that reaches the layer; cast and scaled, a copy runs.
    Not this when: the numbers are names of things (words, categories) and go into an embedding, which wants them whole.
    Fails: whole numbers that name things and lack their embedding run, too, once they are cast.
    See: torchvision.transforms.ToTensor, which casts and divides; FSDL, casting: forgot to cast images from uint8 to float32.
    """
    failure = trace.failure
    if failure is None or failure.phase != "forward" or not _whole_meets_real(failure):
        return
    met = " and ".join(dict.fromkeys(form.dtype for form in failure.inputs))
    fact = Fact("kinds of numbers that meet" if " and " in met else "kind of number that is given", met, "float32")
    for number, (fix, cure) in enumerate(_ways(trace, failure)):
        yield Evidence(Confidence.HINT if number else Confidence.LIKELY, (fact,), where(failure.module, failure.line), fix, cure)


def _whole_meets_real(failure: Failure) -> bool:
    """Whether a whole number is refused for its kind; an index has to be whole, and labels are another matter."""
    said = any(word in failure.message for word in ("dtype", "type", "Byte", "Long", "Int")) and failure.kind != "IndexError"
    return said and any(form.dtype in _WHOLE for form in failure.inputs) and failure.operation not in LOSSES | _INDEXED


def _ways(trace: ShapeTrace, failure: Failure) -> Iterator[tuple[Fix, Callable[[Subject], Subject]]]:
    kinds = {form.dtype for form in trace.inputs}
    cast = Fix("Cast the inputs; best scale them as well.", "x = x.float()", "inputs cast, not scaled")
    if kinds & set(_BYTES):
        scaled = Fix("Cast the pictures and divide them by 255.", "x = x.float() / 255", "inputs cast and divided by 255")
        yield scaled, in_batch(whole_to_real(255, (torch.uint8,)), targets=False)
    elif not kinds & set(_WHOLE):
        made = Fix("Cast what is made within `forward`.", "x = x.float()", "real numbers made in `forward`")
        yield made, on_the_way(failure.operation, failure.module, whole_to_real())
        return
    yield cast, in_batch(whole_to_real(), targets=False)


def _program(change: Callable[[torch.Tensor], torch.Tensor]) -> Subject:
    torch.manual_seed(0)
    net, (points, labels) = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), classes()
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), (change((points * 40 + 128).byte()), labels))


@uint8_input.bad
def bytes_as_they_are_stored() -> Subject:
    return _program(lambda x: x)


@uint8_input.good
def bytes_cast_and_scaled() -> Subject:
    return _program(lambda x: x.float() / 255)
