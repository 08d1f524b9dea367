"""The shapes of hand-made curves."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dldebug_magics.observations.overfit_batch.curve import Floor, Shape, shape

CHANCE = Floor(0.0, 2.3)
NOISE = random.Random(0)


@pytest.mark.parametrize(
    ("losses", "floor", "expected"),
    [
        ([2.3 * 0.97**i for i in range(300)], CHANCE, Shape.FELL),
        ([2.3] * 300, CHANCE, Shape.PLATEAUS),
        ([1.46 + 0.84 * 0.9**i for i in range(300)], CHANCE, Shape.PLATEAUS),
        ([2.3 - 0.004 * i for i in range(300)], CHANCE, Shape.FALLING),
        ([2.3 + 0.01 * i for i in range(300)], CHANCE, Shape.UP),
        ([2.3 * 1.1**i for i in range(300)], CHANCE, Shape.EXPLODES),
        ([2.3, 5.0, math.nan], CHANCE, Shape.EXPLODES),
        ([2.3] * 20 + [7.0, 3e9], CHANCE, Shape.EXPLODES),
        ([-1.0] * 20 + [-3e9] * 20, Floor(-math.inf, -math.inf), Shape.FELL),
        ([1.2 + (-1) ** i + 0.1 * NOISE.random() for i in range(300)], CHANCE, Shape.OSCILLATES),
        ([32.0] + [2.3 * 0.95**i for i in range(200)], CHANCE, Shape.FELL),
        ([2.3 - 0.5 * i for i in range(300)], Floor(-math.inf, -math.inf, mirrored=True), Shape.UP),
        ([2.3 - 0.5 * i for i in range(300)], Floor(-math.inf, -math.inf), Shape.FELL),
        ([550 * 0.995**i for i in range(300)], Floor(), Shape.FELL),
        ([0.5 + 1.8 * 0.9**i for i in range(300)], Floor(0.5, 2.3), Shape.FELL),
    ],
)
def test_shape(losses, floor, expected):
    assert shape(losses, floor) is expected


@given(scale=st.floats(1e-6, 1e6), chance=st.floats(0.1, 100))
def test_the_unit_of_the_loss_does_not_matter(scale, chance):
    """Dollars or thousands of dollars squared: the same curve has the same shape."""
    curve = [chance * (0.4 + 0.6 * 0.9**i) for i in range(200)]
    plain, scaled = shape(curve, Floor(0.0, chance)), shape([v * scale for v in curve], Floor(0.0, chance * scale))
    assert plain is scaled is Shape.PLATEAUS
