"""Numbers of the table as people read them: shapes, counts, amounts of memory, times."""

from __future__ import annotations

import dataclasses

from ...instruments.forms import Form
from ...instruments.trace.clock import Span


def shown(form: Form, dtype: str, device: str) -> str:
    """A shape; the dtype and the device only where they aren't the usual ones.

    >>> shown(Form((2, 3), "bfloat16"), "bfloat16", "cpu"), shown(Form((2, 3), device="cuda"), "bfloat16", "cpu")
    ('2 x 3', 'float32 2 x 3 on cuda')
    """
    plain = str(dataclasses.replace(form, dtype="float32", packed=False))
    marked = " ".join(part for part in ("packed" if form.packed else "", form.dtype if form.dtype != dtype else "", plain) if part)
    return marked if form.device == device else f"{marked} on {form.device}"


def short(count: int) -> str:
    """A count in full up to a million, then in three digits; nothing for none.

    >>> short(73_600), short(58_982_400), short(1_240_000_000_000), short(0)
    ('73,600', '59.0 M', '1.24 T', '')
    """
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if count >= 0.9995 * size:
            return f"{_three(count / size)} {unit}"
    return f"{count:,}" if count else ""


def amount(count: int) -> str:
    """Bytes; nothing for none.

    >>> amount(812), amount(33_550_000), amount(1_250_000_000), amount(0)
    ('812 B', '33.5 MB', '1.25 GB', '')
    """
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * size:
            return f"{_three(count / size)} {unit}"
    return f"{count} B" if count else ""


def milliseconds(span: Span) -> str:
    """The median, and from the least to the most; nothing where it wasn't measured.

    >>> milliseconds(Span(0.00152, 0.0015, 0.00211)), milliseconds(Span())
    ('1.52 (1.50 to 2.11)', '')
    """
    return f"{_three(1e3 * span.median)} ({_three(1e3 * span.least)} to {_three(1e3 * span.most)})" if span.median else ""


def _three(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
