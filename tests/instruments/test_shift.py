"""Shift between two samples, held against scipy, scikit-learn, tables made by hand, brute force, and data whose shift is known."""

from __future__ import annotations

import numpy
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.instruments.shift.decision import decision
from dldebug_magics.instruments.shift.label_shares import label_shares
from dldebug_magics.instruments.shift.marginals import holm, marginals
from dldebug_magics.instruments.shift.ranks import areas
from dldebug_magics.instruments.shift.relabelled import contrast, dealt, tails
from dldebug_magics.instruments.shift.reweighted import effective, matched_error, ratio
from dldebug_magics.instruments.shift.separation import separation
from dldebug_magics.instruments.shift.slices import inside, slices

numbers = numpy.random.default_rng(0)
A, B = numbers.normal(size=(200, 4)), numbers.normal(size=(150, 4))
MOVED = B + numpy.eye(4)[1]
NAN = numpy.nan


def test_a_feature_on_a_scale_is_asked_as_scipy_asks():
    found = marginals(A, MOVED, [False] * 4)
    assert found[0].feature == 1 and found[0].adjusted < 1e-6 and found[1].adjusted > 0.05
    assert (found[0].a, found[0].b) == (f"mean {A[:, 1].mean():.3g}", f"mean {MOVED[:, 1].mean():.3g}")
    for one in found:
        wanted = stats.ks_2samp(A[:, one.feature], MOVED[:, one.feature], method="asymp")
        assert one.statistic == pytest.approx(wanted.statistic) and one.p == pytest.approx(wanted.pvalue, rel=0.3, abs=0.02)


def test_names_are_counted_as_scipy_counts():
    a, b = numpy.repeat([0.0, 1.0, 2.0], [50, 30, 20]), numpy.repeat([0.0, 1.0, 2.0], [30, 30, 40])
    (one,) = marginals(a[:, None], b[:, None], [True])
    wanted = stats.chi2_contingency([[50, 30, 20], [30, 30, 40]])
    assert one.p == pytest.approx(wanted.pvalue) and one.statistic == pytest.approx((wanted.statistic / 200) ** 0.5)
    assert {(one.a, one.b)} <= {("0: 50 %", "0: 30 %"), ("2: 20 %", "2: 40 %")}


def test_what_is_missing_is_seen_and_what_never_varies_is_not():
    a, b = A.copy(), B.copy()
    a[:6, 0], b[:30, 0], b[:, 2], a[:, 3], b[:, 3] = NAN, NAN, NAN, 7, 7
    found = {one.feature: one for one in marginals(a, b, [False, False, False, True])}
    assert (found[0].a, found[0].b) == ("missing 3 %", "missing 20 %") and found[0].adjusted < 0.001
    assert (found[2].a, found[2].b) == ("missing 0 %", "missing 100 %") and found[2].adjusted < 1e-9
    assert found[3].p == 1 and found[1].adjusted > 0.05
    spoilt = decision({"inputs": a[:, :2]}, {"inputs": b[:, :2]}, seed=0), separation(a[:, :3], b[:, :3], seed=0)
    assert spoilt[0].shifted and spoilt[1].auc > 0.99


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03, 0.5]).tolist() == pytest.approx([0.09, 0.04, 0.09, 0.5])


def test_areas_are_those_of_sklearn():
    scores, is_b = numbers.integers(0, 9, (60, 5)).astype(float), numbers.random((60, 5)) < 0.4
    assert areas(scores, is_b) == pytest.approx([roc_auc_score(is_b[:, k], scores[:, k]) for k in range(5)])


def test_dealt_anew_is_every_way_that_chance_could_have_dealt():
    values = numpy.array([0.1, 0.9, 0.3, 0.2, 2.0, 3.0])
    found = numpy.abs(values @ contrast(dealt(numpy.arange(6), 4, 20_000, numpy.random.default_rng(0))))
    wanted = stats.permutation_test((values[:4], values[4:]), lambda a, b: abs(b.mean() - a.mean()), alternative="greater")
    assert tails(found[None])[0] == pytest.approx(wanted.pvalue, abs=0.01)


def test_a_shift_is_told_and_the_same_is_told_twice():
    same, moved = (separation(A, b, seed=0) for b in (B, MOVED))
    assert same.p > 0.05 and 0.5 in same.interval and moved.p < 0.01 and moved.interval.low > 0.6
    assert moved.scores.shape == (350,) and moved.auc == pytest.approx(roc_auc_score(numpy.arange(350) >= 200, moved.scores), abs=0.02)
    assert moved == separation(A, MOVED, seed=0) and (moved.scores == separation(A, MOVED, seed=0).scores).all()
    assert decision({"inputs": A}, {"inputs": MOVED}, seed=3) == decision({"inputs": A}, {"inputs": MOVED}, seed=3)


def test_images_and_what_needs_more_than_a_straight_line():
    a, b = numbers.normal(size=(120, 1, 40, 40)), numbers.normal(size=(120, 1, 40, 40))
    assert decision({"inputs": a}, {"inputs": b * 0.9}, seed=0).shifted and not decision({"inputs": a}, {"inputs": b}, seed=0).shifted
    bent = B * numpy.where(numpy.arange(4) == 0, numpy.sign(B[:, [1]]) * numpy.sign(B[:, [0]]), 1)  # the signs of two features agree
    assert decision({"inputs": A}, {"inputs": bent}, seed=0).shifted and all(one.adjusted > 0.05 for one in marginals(A, bent, [False] * 4))


def test_samples_of_one_person_are_one():
    """20 people a side with a level of their own: rows look shifted, people do not."""
    alarms = {False: 0, True: 0}
    for seed in range(6):
        generator = numpy.random.default_rng(seed)
        people = numpy.repeat(numpy.arange(40), 10)
        rows = generator.normal(size=(40, 2))[people] + 0.3 * generator.normal(size=(400, 2))
        for grouped in alarms:
            named = {"groups_a": people[:200], "groups_b": people[200:]} if grouped else {}
            alarms[grouped] += decision({"inputs": rows[:200]}, {"inputs": rows[200:]}, seed=seed, **named).shifted
    assert alarms[False] == 6 and alarms[True] <= 1


def test_the_level_is_kept_where_tests_and_views_are_many():
    ps = []
    for seed in range(40):
        generator = numpy.random.default_rng(seed)
        a, b = generator.exponential(size=(40, 3)), generator.exponential(size=(30, 3))
        ps.append(decision({"inputs": a, "outputs": a[:, :1] > 1}, {"inputs": b, "outputs": b[:, :1] > 1}, seed=seed).p)
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_label_shares_of_a_table_made_by_hand():
    """Of class 0 9 of 10 are known, of class 1 8 of 10; where 100 of 200 are said to be 0, q * 0.9 + (1 - q) * 0.2 = 0.5."""
    true_a, said_a = numpy.repeat([0, 0, 1, 1], [90, 10, 20, 80]), numpy.repeat([0, 1, 0, 1], [90, 10, 20, 80])
    found = label_shares(true_a, said_a, numpy.repeat([0, 1], [100, 100]), 2, seed=0)
    assert found.target.tolist() == pytest.approx([3 / 7, 4 / 7], abs=1e-3) and found.source.tolist() == [0.5, 0.5]
    assert found.weights.tolist() == pytest.approx([6 / 7, 8 / 7], abs=1e-3) and found.sound and found.p > 0.05
    assert 0.5 in found.intervals[0]
    many = label_shares(true_a, said_a, numpy.repeat([0, 1], [195, 5]), 2, seed=0)
    assert many.target.tolist() == pytest.approx([1, 0], abs=1e-4) and many.p < 0.01


def test_label_shares_that_are_known_lie_in_their_intervals():
    mistakes, inside_of, wanted = numpy.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]), 0, numpy.array([0.6, 0.3, 0.1])
    for seed in range(20):
        generator = numpy.random.default_rng(seed)
        true_a, true_b = generator.integers(0, 3, 600), generator.choice(3, 400, p=wanted)
        said = [(mistakes[true].cumsum(axis=1) < generator.random(len(true))[:, None]).sum(axis=1) for true in (true_a, true_b)]
        found = label_shares(true_a, *said, 3, seed=seed)
        assert found.target.min() >= 0 and found.target.sum() == pytest.approx(1) and found.sound
        inside_of += sum(share in part for share, part in zip(wanted.tolist(), found.intervals, strict=True))
    assert inside_of >= 53, "of 60 at 95 %"


def test_a_model_that_tells_nothing_is_not_trusted():
    found = label_shares(numpy.arange(300) % 3, numpy.arange(300) // 3 % 3, numpy.zeros(50, int), 3, seed=0)
    assert not found.sound


def test_concept_shift_is_what_is_left_at_the_same_inputs():
    gaps = {}
    for worse in (0.0, 0.2):
        generator = numpy.random.default_rng(1)
        a, b = generator.normal(size=(1500, 2)), generator.normal((0.7, 0), size=(1500, 2))
        wrong_a, wrong_b = (generator.random(1500) < 1 / (1 + numpy.exp(1 - x[:, 0])) + more for x, more in ((a, 0), (b, worse)))
        weights = ratio(separation(a, b, seed=0).scores, 1500, 1500)
        gaps[worse] = matched_error(wrong_a, weights, wrong_b, seed=0)
        plain = wrong_b.mean() - wrong_a.mean()
    true = numpy.exp(0.7 * a[:, 0])
    assert numpy.corrcoef(numpy.log(weights), a[:, 0])[0, 1] > 0.9 and gaps[0.0][3] == pytest.approx(effective(true), rel=0.25)
    assert 0.0 in gaps[0.0][2] and gaps[0.2][2].low > 0.05 and plain > 0.2
    assert gaps[0.0][1] - gaps[0.0][0] < 0.05, "the inputs explain the gap"


def test_a_slice_that_grew_is_found_and_none_where_none_did():
    a, b = numbers.random((1000, 3)), numbers.random((1000, 3))
    assert slices(a, b, seed=0) == ()
    b[:300] = [0.9, 0.1, NAN] + 0.05 * b[:300]
    wrong_a, wrong_b = numpy.zeros(1000), numpy.arange(1000) < 300
    found = slices(a, b, wrong_a, wrong_b, seed=0)
    assert found == slices(a, b, wrong_a, wrong_b, seed=0)
    first = found[0]
    held = inside(first.rule, b)
    assert held[:300].mean() > 0.9 and held[300:].mean() < 0.1 and first.p < 1e-6
    assert first.share_b == pytest.approx(0.3, abs=0.06) and first.error_b > 0.9 and first.share_a < 0.05


def test_too_little_or_something_else_is_said_in_a_line():
    with pytest.raises(UserMistake, match="at least 10"):
        separation(A[:3], B, seed=0)
    with pytest.raises(UserMistake, match="the same features"):
        decision({"inputs": A}, {"inputs": B[:, :2]}, seed=0)
    with pytest.raises(UserMistake, match="another view"):
        decision({"inputs": A, "outputs": A[:50]}, {"inputs": B, "outputs": B}, seed=0)
    with pytest.raises(UserMistake, match="below 2"):
        label_shares([0, 1, 2], [0, 1, 1], [0], 2, seed=0)
