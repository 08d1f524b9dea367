"""Levels of the same users, or of two models on the same samples, are drawn together: held against a bootstrap written by hand."""

from __future__ import annotations

import numpy
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_splits import model
from dldebug_magics.document import as_text
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.bootstrap import expanded, interval
from dldebug_magics.instruments.evaluation.buckets import names
from dldebug_magics.instruments.evaluation.joint import drawn_jointly
from dldebug_magics.instruments.evaluation.kept import resampled
from dldebug_magics.instruments.evaluation.members import Members
from dldebug_magics.instruments.evaluation.passes import Scored

CLASSES = Subject(nn.Identity(), nn.CrossEntropyLoss())


def seen(subject, **options):
    report = list(ask("bias_variance", subject, **options))[-1]
    assert report.untouched, report.left_behind
    return report.experiment


def of_users(wrong, users):
    """A split in which sample i of user users[i] is answered wrongly where wrong[i] says so."""
    labels = torch.arange(len(wrong)) % 2
    said = labels ^ torch.as_tensor(wrong).long()
    return TensorDataset(4.0 * nn.functional.one_hot(said, 2), labels, torch.as_tensor(users))


def rates_of_users(generator, count):
    """Error rates that differ much from user to user, as they do among patients."""
    return generator.beta(0.6, 1.4, size=count)


def two_splits(generator, users=60, each=15, more=0.0):
    """Wrong answers of the same users twice: the second split has `more` errors."""
    rates, who = rates_of_users(generator, users), numpy.repeat(numpy.arange(users), each)
    return who, generator.random(len(who)) < rates[who], generator.random(len(who)) < numpy.minimum(1, rates[who] + more)


def by_hand(parts, users, draws=2000, seed=1):
    """A plain cluster bootstrap of the difference of two error rates: users are drawn, with all of their samples of both splits."""
    generator, count = numpy.random.default_rng(seed), max(int(who.max()) for who, _ in parts) + 1
    sums = [(numpy.bincount(who, wrong, count), numpy.bincount(who, minlength=count)) for who, wrong in parts]
    times = numpy.stack([numpy.bincount(generator.choice(users, len(users)), minlength=count) for _ in range(draws)])
    (first, second) = ((times @ wrong) / (times @ samples) for wrong, samples in sums)
    return numpy.quantile(second - first, [0.025, 0.975])


def test_the_interval_of_a_difference_is_that_of_a_bootstrap_over_users():
    who, first, second = two_splits(numpy.random.default_rng(0), more=0.05)
    found = seen(Subject(model(), nn.CrossEntropyLoss(), train=of_users(first, who), val=of_users(second, who)), groups=2)
    (term,) = found.terms[1:]
    low, high = by_hand([(who, first), (who, second)], numpy.arange(60))
    assert term.paired and term.interval.low == pytest.approx(low, abs=0.008) and term.interval.high == pytest.approx(high, abs=0.008)
    text = " ".join(as_text(found.document()).split())
    assert "Paired: variance + distribution shift; both splits hold samples of the same groups" in text
    alone = seen(Subject(model(), nn.CrossEntropyLoss(), train=of_users(first, who), val=of_users(second, who + 60)), groups=2).terms[1]
    assert not alone.paired and alone.interval.high - alone.interval.low > 1.5 * (high - low)


def test_users_of_one_split_alone_are_drawn_for_it_alone():
    generator = numpy.random.default_rng(3)
    who, first, second = two_splits(generator)
    others, third, _ = two_splits(generator, users=30)
    both, wrong = numpy.concatenate([who, others + 60]), numpy.concatenate([second, third])
    found = seen(Subject(model(), nn.CrossEntropyLoss(), train=of_users(first, who), val=of_users(wrong, both)), groups=2).terms[1]
    low, high = by_hand([(who, first), (both, wrong)], numpy.arange(90))
    assert found.paired and found.interval.low == pytest.approx(low, abs=0.01) and found.interval.high == pytest.approx(high, abs=0.01)


def scored(who, wrong):
    found, split = Scored(CLASSES, groups=lambda batch: batch[2]), of_users(wrong, who).tensors
    found.add(split, split[0], (split[1],))
    return found


@pytest.mark.parametrize(("users", "each"), [(80, 8), (12, 30)])
def test_paired_intervals_cover_in_95_of_100_and_unpaired_ones_are_too_wide(users, each):
    """Difference 0 of two splits of the same users, 120 times."""
    hits, apart = [], []
    for seed in range(120):
        generator = numpy.random.default_rng(seed)
        who, first, second = two_splits(generator, users=users, each=each)
        both = [scored(who, first), scored(who, second)]
        for found, draws in ((hits, drawn_jointly(both, generator).T), (apart, [each.draws(generator) for each in both])):
            found.append(0 in interval(draws[1] - draws[0], expanded(users)))
    assert 0.92 <= numpy.mean(hits) <= 0.98
    assert numpy.mean(apart) >= 0.99


def test_few_groups_have_wider_intervals_and_single_samples_of_an_error_rate_have_not():
    who, first, second = two_splits(numpy.random.default_rng(0), users=8, each=40)
    splits = {"train": of_users(first, who), "val": of_users(second, who)}

    def width(**options):
        (*_, term) = seen(Subject(model(), nn.CrossEntropyLoss(), **splits), **options).terms
        return term.interval.high - term.interval.low

    low, high = by_hand([(who, first), (who, second)], numpy.arange(8))
    assert width(groups=2) > 1.15 * (high - low)
    rates = [part.mean() for part in (first, second)]
    assert width() == pytest.approx(3.92 * sum(rate * (1 - rate) / 320 for rate in rates) ** 0.5, rel=0.1)


def test_ranks_are_paired_too():
    generator = numpy.random.default_rng(5)
    levels, who = generator.normal(size=40), numpy.repeat(numpy.arange(40), 10)
    kept, tables = [], []
    for _ in range(2):
        target = (generator.random(len(who)) < 0.5).astype(float)
        scores = target + 2 * levels[who] * target + generator.normal(size=len(who))
        found = Scored(Subject(nn.Identity(), nn.BCEWithLogitsLoss()), "auroc", groups=lambda batch: batch)
        found.add(who, torch.tensor(scores), (torch.tensor(target),))
        kept.append(found)
        tables.append((scores, target))
    draws, wanted = resampled([found.sums for found in kept], generator, 200), []
    for _ in range(200):
        picked = numpy.concatenate([numpy.flatnonzero(who == user) for user in generator.choice(40, 40)])
        wanted.append(numpy.subtract(*(roc_auc_score(target[picked], scores[picked]) for scores, target in tables)))
    assert numpy.std(draws[:, 0] - draws[:, 1]) == pytest.approx(numpy.std(wanted), rel=0.2)


def test_what_two_splits_share_is_counted_exactly_where_it_is_little_and_estimated_else():
    few, many = (Members(), Members()), (Members(), Members())
    for found, start in zip(few, (0, 30), strict=True):
        found.add(names(range(start, start + 40)))
    assert few[0].shared(few[1]) == pytest.approx(10 / 70, abs=0.02)
    for found, start in zip(many, (0, 15_000), strict=True):
        for part in range(start, start + 20_000, 5000):
            found.add(names(range(part, part + 5000)))
    assert many[0].shared(many[1]) == pytest.approx(1 / 7, abs=0.04)
    apart = Members()
    apart.add(names(range(50_000, 90_000)))
    assert apart.shared(many[0]) == 0
