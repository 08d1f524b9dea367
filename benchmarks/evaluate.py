"""What `%bias_variance` costs: its pass against the inference loop that anyone would write, its memory, its bootstrap, and its workers.

    python benchmarks/evaluate.py [--repeats 7] [--as-it-comes] [--only pass memory whole workers ray]

pass: reading a split with its metric, against a bare loop over the same loader that counts the right answers; bar 1.05. Pairs are taken in
turn, in seconds of the process, and the median ratio is printed with the extremes. Memory that was freed is kept by the process: whether
the C library gives it back after each layer, and fetches it anew, hangs on where small things lie, and moves either loop by tens of
percent; --as-it-comes leaves that in.
memory: what is held after 10,000 and after 1,000,000 samples; the same. And the most memory that was resident in a process that asked for
`%bias_variance` on streams of 100,000 and of 1,000,000 predictions, each in a process of its own.
whole: a million predictions counted, and 2000 resamples drawn; and all of `%bias_variance` on them, as train and val; bar 10 s.
workers, ray: one process with one thread against two workers with one each, by the clock; the sums must be the same to the last bit.
"""

import argparse
import collections
import functools
import importlib.util
import os
import resource
import subprocess
import sys
import time
from statistics import median

import numpy
import torch
from freed_memory import keep_freed_memory
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.passes import Scored, scored
from dldebug_magics.instruments.evaluation.pools import pool_of

CLASSES = 10


def conv_net():
    net = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(64 * 15 * 15, CLASSES)),
    )
    return net, TensorDataset(torch.randn(4096, 3, 32, 32), torch.randint(0, CLASSES, (4096,)))


def transformer():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(64 * 32, CLASSES))
    return net, TensorDataset(torch.randn(4096, 32, 64), torch.randint(0, CLASSES, (4096,)))


def mlp():
    net = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, CLASSES))
    return net, TensorDataset(torch.randn(16384, 784), torch.randint(0, CLASSES, (16384,)))


def bare(net, loader):
    net.eval()
    right = count = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (net(inputs).argmax(1) == labels).sum().item()
            count += len(labels)
    return 1 - right / count


def ours(net, loader):
    return collections.deque(scored(Subject(net, nn.CrossEntropyLoss()), loader, "val"), maxlen=1)[0].value


def seconds(read, net, loader):
    began = time.process_time()  # others on the machine cost the clock, not the process
    value = read(net, loader)
    return time.process_time() - began, value


def ratios(build, repeats):
    net, dataset = build()
    loader = DataLoader(dataset, batch_size=128)
    found = []
    for number in range(repeats + 1):
        order = (bare, ours) if number % 2 else (ours, bare)
        took = {read: seconds(read, net, loader) for read in order}
        assert abs(took[bare][1] - took[ours][1]) < 1e-9
        found += [took[ours][0] / took[bare][0]] if number else []  # the first warms up
    return found


def counted(samples, size=10_000):
    """A million predictions, as they come out of a model."""
    scores, labels = torch.randn(size, CLASSES), torch.randint(0, CLASSES, (size,))
    found = Scored(Subject(nn.Identity(), nn.CrossEntropyLoss()))
    for _ in range(samples // size):
        found.add(None, scores, (labels,))
    return found


def held(found):
    return sum(buckets.sums.nbytes + buckets.samples.nbytes for buckets in (found.sums, found.confidence.buckets))


class Predictions:
    """A stream of the scores that a model gave, and the right classes; read twice, it is the same."""

    def __init__(self, samples, seed, size=2000):
        self.samples, self.seed, self.size = samples, seed, size

    def __iter__(self):
        numbers = torch.Generator().manual_seed(self.seed)
        for _ in range(self.samples // self.size):
            scores = torch.randn(self.size, CLASSES, generator=numbers)
            yield scores, torch.where(torch.rand(self.size, generator=numbers) < 0.7, scores.argmax(1), 0)


def whole(samples):
    """All of `%bias_variance`, half of the samples as train and half as val."""
    splits = {role: Predictions(samples // 2, seed) for seed, role in enumerate(("train", "val"))}
    *_, report = ask("bias_variance", Subject(nn.Identity(), nn.CrossEntropyLoss(), **splits), budget=120.0)
    assert sum(level.samples for level in report.experiment.levels) == samples
    return report


def resident(samples):
    """The most memory that a process with torch needed for it, in MB."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    code = f"import evaluate; evaluate.whole(20_000); evaluate.whole({samples}); evaluate.show_resident()"
    return int(subprocess.check_output([sys.executable, "-c", code], env=here, text=True))


def show_resident():
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def shared(repeats, ray=False):
    """Pairs of passes, by one process and by a pool of two: each with its seconds and its sums; and the seconds to start the pool."""
    net, _ = conv_net()
    dataset = TensorDataset(torch.randn(12_288, 3, 32, 32), torch.randint(0, CLASSES, (12_288,)))

    def passed(pool):
        loader, began = DataLoader(dataset, 128, shuffle=True, generator=torch.Generator().manual_seed(0)), time.perf_counter()
        *_, found = scored(Subject(net, nn.CrossEntropyLoss()), loader, "val", pool=pool)
        return time.perf_counter() - began, (found.value, found.sums.sums.tobytes())

    began = time.perf_counter()
    with pool_of(2, ray=ray) as pool:
        first, _ = passed(pool)
        pairs = [(passed(None), passed(pool)) for _ in range(repeats)]
        start = time.perf_counter() - began - first - sum(one[0] + two[0] for one, two in pairs) + max(0.0, first - pairs[0][1][0])
    return pairs, start


def show_pass(repeats):
    for build in (mlp, conv_net, transformer):
        found = ratios(build, repeats)
        print(f"pass, {build.__name__:12} {median(found):.3f}x  ({min(found):.3f} to {max(found):.3f})   bar 1.05")


def show_memory(repeats):
    print(f"memory: {held(counted(10_000))} bytes after 10,000 samples, {held(counted(1_000_000))} after 1,000,000   bar: the same")
    few, many = resident(100_000), resident(1_000_000)
    print(f"memory: {few} MB resident at most for 100,000 samples of a stream, {many} MB for 1,000,000   bar: the same")


def show_whole(repeats):
    began = time.perf_counter()
    draws = counted(1_000_000).draws(numpy.random.default_rng(0))
    print(f"bootstrap: 1,000,000 predictions and {len(draws)} resamples in {time.perf_counter() - began:.2f} s   bar 10 s")
    began = time.perf_counter()
    whole(1_000_000)
    print(f"%bias_variance: all of it on 1,000,000 predictions in {time.perf_counter() - began:.2f} s   bar 10 s")


def show_workers(repeats, ray=False):
    word = "ray" if ray else "workers"
    if ray and importlib.util.find_spec("ray") is None:
        return print('ray: skipped, Ray is not installed: pip install "dldebug[ray]"')
    torch.set_num_threads(1)
    pairs, start = shared(max(3, repeats // 2), ray)
    alone, together = (median(pair[place][0] for pair in pairs) for place in (0, 1))
    faster, same = [one[0] / two[0] for one, two in pairs], len({sums for pair in pairs for _, sums in pair}) == 1
    spread = f"{median(faster):.2f}x as fast ({min(faster):.2f} to {max(faster):.2f})"
    print(
        f"{word}: one process {alone:.2f} s, two {together:.2f} s: {spread}, {start:.1f} s to start; bits {'equal' if same else 'DIFFER'}"
    )


SHOWN = {"pass": show_pass, "memory": show_memory, "whole": show_whole, "workers": show_workers}
SHOWN["ray"] = functools.partial(show_workers, ray=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--as-it-comes", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SHOWN, default=SHOWN)
    asked = parser.parse_args()
    if not asked.as_it_comes:
        keep_freed_memory()
    torch.manual_seed(0)
    for name in asked.only:
        SHOWN[name](asked.repeats)


if __name__ == "__main__":
    main()
