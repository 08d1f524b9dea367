"""The losses of a training as users have them, and whether they rose: against scipy's tests, and on noise of several kinds."""

from __future__ import annotations

import itertools
import math

import numpy
import pandas
import pytest
import scipy.stats
import torch

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_splits import evaluated
from dldebug_magics.document import as_text
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.observations.bias_variance.history import History, history_of
from dldebug_magics.observations.bias_variance.rising import _fewest_falls, _of_trend, rise

VAL, TRAIN = (1.0, 0.6, 0.5, 0.7), (1.1, 0.5, 0.3, 0.2)
RECORDS = [{"epoch": epoch, "train_loss": t, "val_loss": v, "lr": 0.1} for epoch, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)]
LIGHTNING = """epoch,step,train_loss_epoch,train_loss_step,val_acc,val_loss
0,4,,1.4,,
0,9,,0.8,,
0,9,,,0.4,1.0
0,9,1.1,,,
1,19,,,0.5,0.6
1,19,0.5,,,
2,29,,,0.6,0.5
2,29,0.3,,,
3,39,,,0.6,0.7
3,39,0.2,,,
"""
HUGGING_FACE = [
    row
    for epoch, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
    for row in ({"loss": t - 0.1, "epoch": epoch + 0.5}, {"loss": t + 0.1, "epoch": epoch + 1.0}, {"eval_loss": v, "epoch": epoch + 1.0})
]
FORMS = {
    "losses": list(VAL),
    "an array": numpy.array(VAL),
    "tensors": [torch.tensor(loss, dtype=torch.float64) for loss in VAL],
    "pairs": list(zip(TRAIN, VAL, strict=True)),
    "records": RECORDS,
    "columns": {"loss": list(TRAIN), "val_loss": list(VAL), "accuracy": [0.1] * 4},
    "a DataFrame": pandas.DataFrame(RECORDS),
    "skorch": [{"valid_loss_best": 1, "train_loss": t, "train_loss_best": 1, "valid_loss": v} for t, v in zip(TRAIN, VAL, strict=True)],
    "transformers": HUGGING_FACE,
    "slashes": [{"loss/train": t, "loss/val": v} for t, v in zip(TRAIN, VAL, strict=True)],
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_in_which_users_have_it(form):
    found = history_of(FORMS[form])
    assert found.val == pytest.approx(VAL)
    assert found.train == pytest.approx(() if form in ("losses", "an array", "tensors") else TRAIN)


def test_a_file_of_lightnings_logger(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(LIGHTNING)
    assert history_of(path) == history_of(str(path)) == History((0.0, 1.0, 2.0, 3.0), VAL, TRAIN)


def test_epochs_without_a_number_are_left_out():
    assert history_of([0.5, math.nan, 0.4, math.inf]) == History((1.0, 3.0), (0.5, 0.4))


BAD = {
    "a number": (3, "`history` is a int"),
    "nothing": ([], "`history` is empty"),
    "words": (["a", "b"], "neither a loss nor a pair"),
    "triples": ([(1, 2, 3)], "neither a loss nor a pair"),
    "no validation": ([{"loss": 1.0, "acc": 0.5}], "no validation loss among loss, acc"),
    "no file": ("no/such.csv", "can't be read"),
    "no numbers": ([math.nan] * 7, "no validation loss that is a number"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_history_is_said_in_one_line_before_anything_is_read(kind):
    given, line = BAD[kind]
    with pytest.raises(UserMistake) as mistake:
        next(ask("bias_variance", evaluated(train=5), history=given))
    assert line in str(mistake.value) and "\n" not in str(mistake.value)


def test_the_interval_excludes_0_where_kendalls_exact_test_does_and_holds_sens_slope():
    for order in [*itertools.permutations(range(6))][::4]:
        values = numpy.array(order) + 0.1 * numpy.arange(6) ** 2 / 36
        exact = scipy.stats.kendalltau(range(6), values, method="exact", alternative="greater").pvalue <= 0.025
        found = _of_trend(values)
        assert found.above_zero == exact
        assert scipy.stats.theilslopes(values)[0] * 5 in found
    orders = [sum(a > b for a, b in itertools.combinations(order, 2)) for order in itertools.permutations(range(7))]
    most = _fewest_falls(7)
    assert numpy.mean([falls <= most for falls in orders]) <= 0.025 < numpy.mean([falls <= most + 1 for falls in orders])


def falling(count):
    return 0.3 + 2 * numpy.exp(-numpy.arange(count) / (count / 12))


def alike(generator, count, share, size):
    """Noise of which each epoch keeps a share."""
    noise = generator.normal(size=count + 50)
    for place in range(1, count + 50):
        noise[place] = share * noise[place - 1] + (1 - share**2) ** 0.5 * noise[place]
    return size * noise[50:]


QUIET = {
    "level": lambda g, n: 0.5 + 0.05 * g.normal(size=n),
    "falls and stays": lambda g, n: falling(n) + 0.03 * g.normal(size=n),
    "still falls": lambda g, n: 1 / (1 + 0.1 * numpy.arange(n)) + 0.03 * g.normal(size=n),
    "neighbours alike": lambda g, n: falling(n) + alike(g, n, 0.5, 0.03),
    "jumps": lambda g, n: falling(n) + 0.03 * g.standard_t(3, size=n),
    "comes down again": lambda g, n: falling(n) + 0.3 * numpy.exp(-(((numpy.arange(n) / n - 0.5) * 8) ** 2)) + 0.01 * g.normal(size=n),
}


def heard(make, count, *worth, seeds=60):
    found = [rise(history_of(make(numpy.random.default_rng([seed, count]), count))) for seed in range(seeds)]
    return numpy.mean([each is not None and each.is_real and each.worth in worth for each in found])


@pytest.mark.parametrize("kind", QUIET)
def test_noise_a_level_tail_and_what_comes_down_again_are_not_called_a_rise(kind):
    assert numpy.mean([heard(QUIET[kind], count, "some", "much") for count in (6, 12, 20, 50, 120)]) <= 0.02
    assert not any(heard(QUIET[kind], count, "much") for count in (6, 12, 20, 50, 120))


def test_a_rise_is_heard_with_its_epoch_and_by_its_size():
    def valley(height, noise=0.03):
        return lambda g, n: falling(n) + height * numpy.maximum(0, numpy.linspace(-1, 1, n)) + noise * g.normal(size=n)

    assert heard(valley(0.6), 12, "much") >= 0.9 and heard(valley(0.5), 30, "much") >= 0.9
    assert heard(valley(0.1, 0.015), 60, "some") >= 0.9 and heard(valley(0.1, 0.015), 60, "much") == 0
    found = rise(history_of(valley(0.6)(numpy.random.default_rng(0), 60)))
    assert 24 <= found.epoch <= 36 and found.best == pytest.approx(0.32, abs=0.05) and found.last == pytest.approx(0.85, abs=0.05)


def test_what_is_little_next_to_what_was_gained_is_a_note():
    val = [*numpy.linspace(0.6, 0.07, 20), *numpy.linspace(0.07, 0.13, 20)]
    late = [*numpy.linspace(0.12, 0.07, 20), *numpy.linspace(0.07, 0.13, 20)]
    assert [rise(history_of(losses)).worth for losses in (val, late)] == ["some", "much"]


def test_a_training_loss_that_does_not_fall_is_another_trouble():
    val = falling(40) + 0.6 * numpy.maximum(0, numpy.linspace(-1, 1, 40))
    both = [(v - 0.1, v) for v in val]
    assert rise(history_of(val)).is_real and not rise(history_of(both)).is_real


def test_the_report_tells_the_course():
    val = falling(40) + 0.6 * numpy.maximum(0, numpy.linspace(-1, 1, 40))
    pairs = [(1 / (epoch + 1), loss) for epoch, loss in enumerate(val)]

    def heard_by(history, **wrong):
        report = list(ask("bias_variance", evaluated(**wrong), history=history))[-1]
        (found,) = (f for f in report.findings if f.name == "problematic_overfit")
        return report, (found.severity.value, found.confidence.value)

    report, said = heard_by(pairs, train=5, val=60)
    assert said == ("warning", "likely") and report.findings[0].name == "problematic_overfit"
    text = " ".join(as_text(report.document()).split())
    assert "History of 40 epochs: the validation loss was lowest at epoch" in text and "a rise beyond chance" in text
    assert heard_by(val, val=60)[1] == ("warning", "hint"), "the training loss is not known"
    assert heard_by(pairs, train=50, val=52)[1] == ("note", "likely"), "the error shows nothing of it"
