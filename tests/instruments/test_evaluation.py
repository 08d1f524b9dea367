"""Metrics as sums, held against scikit-learn and numbers made by hand; the same in one batch and in many."""

from __future__ import annotations

import time

import numpy
import pytest
import sklearn.metrics
import torch
from torch import nn
from torch.utils.data import TensorDataset

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.bootstrap import interval
from dldebug_magics.instruments.evaluation.metrics import Metric
from dldebug_magics.instruments.evaluation.named import OURS
from dldebug_magics.instruments.evaluation.passes import Scored, scored
from dldebug_magics.instruments.evaluation.tasks import task_of
from dldebug_magics.notebook.metric import metric_named
from dldebug_magics.notebook.names import Names

N = 300
numbers = torch.Generator().manual_seed(0)
SCORES, LABELS = torch.randn(N, 4, generator=numbers), torch.randint(0, 4, (N,), generator=numbers)
SAID = SCORES.argmax(1).numpy()
FLAGS, YES = torch.randn(N, generator=numbers), (torch.rand(N, generator=numbers) < 0.4).float()
HEIGHTS, TRUE = torch.randn(N, 1, generator=numbers), torch.randn(N, 1, generator=numbers)
CLASSES = Subject(nn.Identity(), nn.CrossEntropyLoss())
LOGITS = Subject(nn.Identity(), nn.BCEWithLogitsLoss())
VALUES = Subject(nn.Identity(), nn.MSELoss())


def value(subject, metric, output, target, size=77):
    found = Scored(subject, metric)
    for start in range(0, len(output), size):
        found.add(None, output[start : start + size], (target[start : start + size],))
    return found


def probabilities():
    return SCORES.double().softmax(1).numpy()


AGREE = {
    "error": (CLASSES, SCORES, LABELS, lambda: 1 - sklearn.metrics.accuracy_score(LABELS, SAID)),
    "f1": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.f1_score(LABELS, SAID, average="macro")),
    "iou": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.jaccard_score(LABELS, SAID, average="macro")),
    "auroc": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.roc_auc_score(LABELS, probabilities(), multi_class="ovr")),
    "top3": (CLASSES, SCORES, LABELS, lambda: 1 - sklearn.metrics.top_k_accuracy_score(LABELS, SCORES, k=3)),
    "perplexity": (CLASSES, SCORES, LABELS, lambda: numpy.exp(sklearn.metrics.log_loss(LABELS, probabilities()))),
    "loss": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.log_loss(LABELS, probabilities())),
    "sklearn.balanced_accuracy_score": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.balanced_accuracy_score(LABELS, SAID)),
    "sklearn.log_loss": (CLASSES, SCORES, LABELS, lambda: sklearn.metrics.log_loss(LABELS, probabilities())),
    "f1 of flags": (LOGITS, FLAGS, YES, lambda: sklearn.metrics.f1_score(YES, FLAGS > 0)),
    "auroc of flags": (LOGITS, FLAGS, YES, lambda: sklearn.metrics.roc_auc_score(YES, FLAGS)),
    "sklearn.f1_score of flags": (LOGITS, FLAGS, YES, lambda: sklearn.metrics.f1_score(YES, FLAGS > 0)),
    "rmse": (VALUES, HEIGHTS, TRUE, lambda: sklearn.metrics.mean_squared_error(TRUE, HEIGHTS) ** 0.5),
    "mae": (VALUES, HEIGHTS, TRUE, lambda: sklearn.metrics.mean_absolute_error(TRUE, HEIGHTS)),
    "sklearn.r2_score": (VALUES, HEIGHTS, TRUE, lambda: sklearn.metrics.r2_score(TRUE, HEIGHTS)),
}


@pytest.mark.parametrize("name", AGREE)
def test_a_metric_in_batches_is_that_of_all_samples(name):
    subject, output, target, wanted = AGREE[name]
    metric = name.removesuffix(" of flags")
    assert value(subject, metric, output, target).value == pytest.approx(wanted(), rel=1e-6)
    assert value(subject, metric, output, target, size=N).value == pytest.approx(wanted(), rel=1e-6)


def test_a_function_of_sklearn_is_asked_as_it_wants_to_be():
    assert value(LOGITS, sklearn.metrics.recall_score, FLAGS, YES).value == sklearn.metrics.recall_score(YES, FLAGS > 0)


def test_pixels_without_a_class_are_not_counted():
    output, target = torch.zeros(2, 3, 2, 2), torch.tensor([[[0, 1], [2, -100]], [[0, 0], [-100, -100]]])
    output[:, 0] = 1.0
    assert value(CLASSES, "error", output, target).value == pytest.approx(2 / 5)


def test_the_usual_metric_is_what_the_outputs_are_for():
    assert [value(*asked).metric.name for asked in ((CLASSES, None, SCORES, LABELS), (VALUES, None, HEIGHTS, TRUE))] == ["error", "rmse"]
    assert value(LOGITS, None, FLAGS, YES).metric.name == "error"
    with pytest.raises(UserMistake, match="`rmse` is not for outputs that look like classes"):
        value(CLASSES, "rmse", SCORES, LABELS)


def test_an_interval_is_the_binomial_one():
    found = value(CLASSES, "error", SCORES, LABELS)
    drawn = interval(found.draws(numpy.random.default_rng(0)))
    rate = found.value
    half = 1.96 * (rate * (1 - rate) / N) ** 0.5
    assert drawn.low == pytest.approx(rate - half, abs=0.006) and drawn.high == pytest.approx(rate + half, abs=0.006)


def test_groups_that_err_together_make_it_wider():
    wrong = (torch.arange(N) // 30) % 2
    output = nn.functional.one_hot(wrong, 2).float()
    batch, target = {"who": torch.arange(N) // 30}, torch.zeros(N, dtype=torch.long)
    alone, grouped = Scored(CLASSES), Scored(CLASSES, groups="who")
    widths = []
    for found in (alone, grouped):
        found.add(batch, output, (target,))
        drawn = interval(found.draws(numpy.random.default_rng(0)))
        widths.append(drawn.high - drawn.low)
    assert widths[1] > 3 * widths[0], "30 samples that err together are one"


def test_memory_does_not_grow_and_a_million_answers_take_seconds():
    began = time.process_time()
    found = value(CLASSES, "error", SCORES.repeat(3400, 1)[:1_000_000], LABELS.repeat(3400)[:1_000_000], size=100_000)
    drawn = found.draws(numpy.random.default_rng(0))
    assert len(found.sums.sums) == 1024 and len(drawn) == 2000
    assert time.process_time() - began < 10


def test_a_pass_puts_the_loader_back():
    loader = torch.utils.data.DataLoader(TensorDataset(SCORES, LABELS), 50, shuffle=True)
    found = list(scored(CLASSES, loader, "val"))[-1]
    assert found.samples == N and loader._iterator is None


def test_the_names_that_the_magic_knows_are_those_that_there_are():
    there = [*OURS, "loss"]
    assert [metric_named(name, Names({})) for name in there] == there
    with pytest.raises(UserMistake, match="no name and no metric `losss` here; did you mean `loss`"):
        metric_named("losss", Names({}))


def test_what_is_judged_together_is_judged_as_one_by_one():
    for subject, output, target in ((CLASSES, SCORES, LABELS), (LOGITS, FLAGS, YES)):
        for name in OURS:
            metric = OURS[name](task_of(subject, output, (target,)))
            if isinstance(metric, Metric) and metric.by_row and (subject is CLASSES or not name.startswith("top")):
                alone = torch.cat([metric.rows(output[at : at + 7], (target[at : at + 7],)) for at in range(0, N, 7)])
                assert torch.equal(alone, metric.rows(output, (target,))), name


def test_a_batch_that_spoils_it_is_named_though_several_are_judged_together():
    right = [(SCORES[at : at + 10], LABELS[at : at + 10]) for at in range(0, N, 10)]
    no_numbers, no_class = list(right), list(right)
    no_numbers[12] = (SCORES[:10] / 0, LABELS[:10])
    no_class[5] = (SCORES[:10], LABELS[:10] + 7)
    for batches, said in ((no_numbers, "10 of 10 outputs of batch 13 are no numbers"), (no_class, "`f1` fails on batch 6: ")):
        with pytest.raises(UserMistake, match=said):
            list(scored(CLASSES, batches, "val", "f1"))
