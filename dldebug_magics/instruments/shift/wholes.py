"""What a row of many numbers is as a whole: how bright, how rich in contrast, how rough. A change of an image moves these together.

No single pixel shows a slight blur, and a kernel on all of them is blind to it; the mean difference of neighbours is not.
"""

from __future__ import annotations

import numpy

FEWEST = 16  # columns: fewer are features of their own, which have no mean


def wholes(rows: numpy.ndarray) -> numpy.ndarray:
    """Of rows [n, d]: mean, standard deviation, and mean difference of neighbours in standard deviations [n, 3]; [n, 0] of few columns.

    >>> wholes(numpy.tile([0.0, 2.0], (1, 8))).tolist()
    [[1.0, 1.0, 2.0]]
    """
    if rows.shape[1] < FEWEST:
        return numpy.zeros((len(rows), 0))
    rows = numpy.nan_to_num(rows, posinf=0.0, neginf=0.0) if rows.dtype.kind == "f" else rows
    spread = rows.std(axis=1)
    step = max(1, 2**24 // rows.shape[1])
    parts = (rows[start : start + step].astype(float) for start in range(0, len(rows), step))
    rough = numpy.concatenate([numpy.abs(numpy.diff(part, axis=1)).mean(axis=1) for part in parts])
    return numpy.stack([rows.mean(axis=1), spread, rough / numpy.maximum(spread, 1e-30)], axis=1)
