"""Error as a sum of terms, where the truth is known: 200 simulated evaluations, from single answers to the named term."""

from __future__ import annotations

import numpy
import pytest

from dldebug_magics.instruments.evaluation.bootstrap import drawn
from dldebug_magics.instruments.evaluation.buckets import Buckets, numbers
from dldebug_magics.instruments.evaluation.metrics import mean
from dldebug_magics.observations.bias_variance.chance import _rounded_up
from dldebug_magics.observations.bias_variance.decomposition import Level, decomposed, placed

SEEDS = 200
WRONG = ((0.0, 1.0), (1.0, 1.0))
ROLES = ("train", "train_val", "test_val", "test")


def level(role, rate, samples, generator):
    wrong = generator.random(samples) < rate
    buckets = Buckets(2)
    buckets.add(numpy.stack([wrong, numpy.ones(samples)], axis=1).astype(float), numbers(0, samples))
    draws = drawn(buckets.filled, mean, WRONG, generator)
    return Level(role, float(wrong.mean()), draws, samples)


def simulated(rates, human, samples):
    """The decomposition of 200 evaluations of a model whose true error rates are known."""
    for seed in range(SEEDS):
        generator = numpy.random.default_rng(seed)
        known = Level("irreducible", human, numpy.full(1, human))
        yield decomposed([known, *(level(role, rate, samples, generator) for role, rate in zip(ROLES, rates, strict=True))], best=0.0)


@pytest.mark.parametrize("rates", [(0.05, 0.20, 0.22, 0.25), (0.02, 0.02, 0.02, 0.02)])
@pytest.mark.parametrize("samples", [300, 2000])
def test_intervals_cover_the_truth_in_95_of_100(rates, samples):
    truths = numpy.diff([0.01, *rates])
    covered = [
        truth in term.interval for found in simulated(rates, 0.01, samples) for term, truth in zip(found.terms[1:], truths, strict=True)
    ]
    assert len(covered) == 4 * SEEDS
    assert 0.92 <= numpy.mean(covered) <= 0.98


REAL = {
    "bias": (0.20, 0.22, 0.23, 0.24),
    "variance": (0.03, 0.18, 0.19, 0.20),
    "distribution shift": (0.03, 0.05, 0.20, 0.21),
    "validation over-fitting": (0.03, 0.05, 0.06, 0.18),
}


@pytest.mark.parametrize("name", REAL)
def test_the_dominant_term_is_named_rightly_where_it_is_real(name):
    named = [found.dominant.name if found.dominant else "" for found in simulated(REAL[name], 0.02, 1000)]
    assert named.count(name) >= 0.95 * SEEDS
    assert set(named) <= {name, ""}


def test_nothing_is_named_where_no_term_is():
    assert sum(found.dominant is not None for found in simulated((0.1, 0.1, 0.1, 0.1), 0.1, 500)) <= 0.05 * SEEDS


def test_two_terms_of_one_size_have_no_largest():
    named = [found.dominant for found in simulated((0.02, 0.12, 0.22, 0.22), 0.02, 1000)]
    assert sum(term is not None for term in named) <= 0.08 * SEEDS


def test_a_single_val_takes_the_free_rung_and_joins_what_it_cannot_tell():
    levels = [Level(role, value, numpy.full(1, value)) for role, value in (("train", 0.1), ("val", 0.3), ("test", 0.35))]
    assert [found.role for found in placed(levels)] == ["train", "test_val", "test"]
    assert [term.parts for term in decomposed(levels).terms] == [("variance", "distribution shift"), ("validation over-fitting",)]
    beside = [*levels, Level("test_val", 0.32, numpy.full(1, 0.32))]
    assert [found.role for found in placed(beside)] == ["train", "train_val", "test_val", "test"]


def test_more_is_better_turns_the_signs():
    levels = [Level("train", 0.9, numpy.full(1, 0.9)), Level("test", 0.7, numpy.full(1, 0.7))]
    assert [round(term.value, 9) for term in decomposed(levels, larger_is_better=True, best=1.0).terms] == [0.1, 0.2]


def test_a_size_is_told_to_two_digits():
    assert [_rounded_up(number) for number in (7, 96.3, 1234)] == [7, 97, 1300]
