"""Metrics of torchmetrics by name, against scikit-learn's numbers; whether more is better; and what a metric keeps of its samples."""

from __future__ import annotations

import numpy
import pytest
import sklearn.metrics
import torch
import torchmetrics
from torch import nn

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.passes import Scored

N = 240
numbers = torch.Generator().manual_seed(4)
SCORES, LABELS = torch.randn(N, 4, generator=numbers), torch.randint(0, 4, (N,), generator=numbers)
FLAGS, YES = torch.randn(N, generator=numbers), (torch.rand(N, generator=numbers) < 0.4).float()
SEVERAL, TAGS = torch.randn(N, 3, generator=numbers), (torch.rand(N, 3, generator=numbers) < 0.4).float()
HEIGHTS, TRUE = torch.randn(N, 1, generator=numbers), torch.randn(N, 1, generator=numbers)
CLASSES = (Subject(nn.Identity(), nn.CrossEntropyLoss()), SCORES, LABELS)
BINARY = (Subject(nn.Identity(), nn.BCEWithLogitsLoss()), FLAGS, YES)
TAGGED = (Subject(nn.Identity(), nn.BCEWithLogitsLoss()), SEVERAL, TAGS)
VALUES = (Subject(nn.Identity(), nn.MSELoss()), HEIGHTS, TRUE)
SAID, SHARES = SCORES.argmax(1), SCORES.double().softmax(1)
metrics = sklearn.metrics


def found(about, metric, size=77):
    subject, output, target = about
    scored = Scored(subject, metric)
    for start in range(0, len(output), size):
        scored.add(None, output[start : start + size], (target[start : start + size],))
    return scored


AGREE = {
    "accuracy": (CLASSES, True, lambda: metrics.accuracy_score(LABELS, SAID)),
    "functional.f1_score": (CLASSES, True, lambda: metrics.f1_score(LABELS, SAID, average="micro")),
    "auroc": (CLASSES, True, lambda: metrics.roc_auc_score(LABELS, SHARES, multi_class="ovr")),
    "jaccard_index": (CLASSES, True, lambda: metrics.jaccard_score(LABELS, SAID, average="macro")),
    "cohen_kappa": (CLASSES, True, lambda: metrics.cohen_kappa_score(LABELS, SAID)),
    "hamming_distance": (CLASSES, False, lambda: metrics.hamming_loss(LABELS, SAID)),
    "functional.classification.multiclass_recall": (CLASSES, True, lambda: metrics.balanced_accuracy_score(LABELS, SAID)),
    "accuracy of flags": (BINARY, True, lambda: metrics.accuracy_score(YES, FLAGS > 0)),
    "f1_score of flags": (BINARY, True, lambda: metrics.f1_score(YES, FLAGS > 0)),
    "auroc of flags": (BINARY, True, lambda: metrics.roc_auc_score(YES, FLAGS)),
    "average_precision of flags": (BINARY, True, lambda: metrics.average_precision_score(YES, FLAGS)),
    "auroc of tags": (TAGGED, True, lambda: metrics.roc_auc_score(TAGS, SEVERAL)),
    "f1_score of tags": (TAGGED, True, lambda: metrics.f1_score(TAGS, SEVERAL > 0, average="micro")),
    "mean_squared_error": (VALUES, False, lambda: metrics.mean_squared_error(TRUE, HEIGHTS)),
    "mean_absolute_error": (VALUES, False, lambda: metrics.mean_absolute_error(TRUE, HEIGHTS)),
    "r2_score": (VALUES, True, lambda: metrics.r2_score(TRUE, HEIGHTS)),
    "spearman_corrcoef": (VALUES, True, lambda: torchmetrics.functional.spearman_corrcoef(HEIGHTS[:, 0], TRUE[:, 0])),
}


@pytest.mark.parametrize("name", AGREE)
def test_torchmetrics_by_name_is_asked_with_the_task_that_the_outputs_show(name):
    about, rises, wanted = AGREE[name]
    scored = found(about, f"torchmetrics.{name.partition(' ')[0]}")
    assert scored.value == pytest.approx(float(wanted()), rel=1e-5)
    assert scored.metric.larger_is_better is rises


def test_a_function_of_torchmetrics_is_asked_as_its_name_is():
    assert found(CLASSES, torchmetrics.functional.accuracy).value == pytest.approx(metrics.accuracy_score(LABELS, SAID))


def test_an_object_that_counts_on_is_asked_on_a_copy():
    metric = torchmetrics.Accuracy(task="multiclass", num_classes=4)
    metric(SCORES[:10], LABELS[:10])
    before = metric.compute()
    scored = found(CLASSES, metric)
    assert scored.value == pytest.approx(metrics.accuracy_score(LABELS, SAID)) and scored.metric.larger_is_better
    assert metric.compute() == before and metric.update_count == 1


MISSING = {
    "torchmetrics.specificity_at_sensitivity": (CLASSES, "wants min_sensitivity, too"),
    "torchmetrics.accuracy": (VALUES, "is for classes"),
    "torchmetrics.acuracy": (CLASSES, "did you mean torchmetrics.accuracy?"),
    "torchmetrics.JaccardIndex": (CLASSES, "did you mean torchmetrics.jaccard_index?"),
    "torchmetrics.MeanSquaredError": (VALUES, "did you mean torchmetrics.mean_squared_error?"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_said_in_one_line(name):
    about, line = MISSING[name]
    with pytest.raises(UserMistake) as mistake:
        found(about, name)
    assert line in str(mistake.value) and "\n" not in str(mistake.value)


def test_more_is_better_by_name():
    for name, rises in {"mean_poisson_deviance": False, "max_error": False, "log_loss": False, "explained_variance_score": True}.items():
        assert found(BINARY if name == "log_loss" else VALUES, f"sklearn.{name}").metric.larger_is_better is rises


def bytes_of(scored):
    return sum(tensor.element_size() * tensor.numel() for part in scored.sums.parts for tensor in part) / scored.samples


def test_a_rank_keeps_a_score_and_a_label_and_a_metric_of_answers_the_answers():
    two = (CLASSES[0], SCORES[:, :2].double(), LABELS % 2)
    assert [bytes_of(found(about, "auroc")) for about in (two, CLASSES, BINARY)] == [6, 18, 5]
    assert found(two, "auroc").value == pytest.approx(metrics.roc_auc_score(LABELS % 2, SCORES[:, 1] - SCORES[:, 0]))
    assert bytes_of(found(CLASSES, "sklearn.balanced_accuracy_score")) == 16
    assert bytes_of(found(CLASSES, lambda output, target: 0.0)) == 24, "nobody knows what a function looks at"


def test_ranks_with_ties_and_classes_that_are_never_seen():
    tied = (BINARY[0], (4 * FLAGS).round(), YES)
    assert found(tied, "auroc").value == pytest.approx(metrics.roc_auc_score(YES, tied[1]))
    assert numpy.isnan(found((CLASSES[0], SCORES, LABELS % 3), "auroc").value)
    pixels = (CLASSES[0], SCORES.reshape(60, 4, 4).movedim(2, 1), LABELS.reshape(60, 4))
    assert found(pixels, "auroc", size=7).value == pytest.approx(found(CLASSES, "auroc").value)
