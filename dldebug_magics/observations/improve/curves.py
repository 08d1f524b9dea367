"""What runs on parts of the data, and with more or fewer weights, say: the learning curve with more data by extrapolation, and sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

from ...instruments.evaluation.bootstrap import Interval, interval
from ...instruments.pilots.effects import Effect
from ...instruments.pilots.extrapolation import extrapolated
from ..bias_variance.rungs import BEST
from .arms import AS_IT_IS, Run
from .experiment import PARTS, Experiment
from .results import MoreData, Point, Size

_RESIZED = 0.1  # of the weights: what makes another size


def more_data(experiment: Experiment) -> MoreData | None:
    """The learning curve; None where none was wanted or begun."""
    sizes = {share: experiment.runs.get(f"{share:g} of the data", {}) for share in PARTS} | {1.0: experiment.runs.get(AS_IT_IS.name, {})}
    seeds = sorted(set.intersection(*(set(runs) for runs in sizes.values())))
    if experiment.no_curve or not seeds:
        return MoreData((), refused=experiment.no_curve) if experiment.no_curve else None
    by_size = {max(1, round(share * experiment.pilots.data.samples)): [runs[s] for s in seeds] for share, runs in sizes.items()}
    points = tuple(Point(size, *_error(experiment, runs)) for size, runs in by_size.items())
    if len(seeds) < 2:
        return MoreData(points, refused="one seed alone was over in time")
    best = 0.0 if experiment.sign > 0 else BEST.get(points_metric(by_size), math.nan)
    return _beyond(experiment, by_size, points, best)


def points_metric(by_size: dict[int, list[Run]]) -> str:
    """The metric's name as the table of best values has it."""
    run = next(iter(by_size.values()))[0]
    return next(iter(run.worths.values())).metric.name.partition("-")[0]


def _beyond(experiment: Experiment, by_size: dict[int, list[Run]], points: tuple[Point, ...], best: float) -> MoreData:
    judge, sign = experiment.judge, experiment.sign
    errors = numpy.array([[sign * (run.worths[judge].value - best) for run in runs] for runs in by_size.values()]).T
    drawn = numpy.stack([numpy.mean([sign * (r.worths[judge].draws - best) for r in runs], axis=0) for runs in by_size.values()], axis=1)
    if not numpy.isfinite(errors).all() or errors.min() < 0:
        return MoreData(points, refused="the law wants a metric whose best value is known, and that is 0 or above")
    now = experiment.pilots.data.total or experiment.pilots.data.samples
    found = extrapolated(list(by_size), errors, drawn, now, seed=experiment.pilots.subject.seed)
    if found is None:
        return MoreData(points, refused="the error does not fall with more data beyond chance; a fit is no better than a flat line")
    effects = tuple((times, Effect(value, span.low, span.high, len(errors))) for times, value, span in found.changes)
    levels = tuple(Point(round(size), best + sign * v, _turned(span, best, sign), math.nan) for size, v, span in found.levels)
    return MoreData(points, found.law, effects, levels)


def _turned(span: Interval, best: float, sign: float) -> Interval:
    low, high = sorted((best + sign * span.low, best + sign * span.high))
    return Interval(low, high)


def _error(experiment: Experiment, runs: Sequence[Run]) -> tuple[float, Interval, float]:
    """The mean over seeds on the judging split, where chance in the samples puts it, and on the training data."""
    judged = [run.worths[experiment.judge] for run in runs]
    on_train = [run.worths["train"].value for run in runs if "train" in run.worths]
    spread = interval(numpy.mean([w.draws for w in judged], axis=0))
    return float(numpy.mean([w.value for w in judged])), spread, float(numpy.mean(on_train)) if on_train else math.nan


def sizes(experiment: Experiment) -> tuple[Size, ...]:
    """The program as it is and every change of its size, the smallest first; empty where there is none. A norm adds few weights."""
    base = list(experiment.runs.get(AS_IT_IS.name, {}).values())
    if not base:
        return ()
    found = [Size("as it is", base[0].weights, *_error(experiment, base))]
    for candidate in experiment.candidates:
        runs = list(experiment.runs.get(candidate.arm.name, {}).values())
        if runs and abs(runs[0].weights - base[0].weights) >= _RESIZED * base[0].weights:
            found.append(Size(candidate.arm.change.what, runs[0].weights, *_error(experiment, runs)))
    return tuple(sorted(found, key=lambda size: size.weights)) if len(found) > 1 else ()
