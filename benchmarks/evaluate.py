"""What `%bias_variance` costs: its pass against the inference loop that anyone would write, its memory, and its bootstrap.

    python benchmarks/evaluate.py [--repeats 7] [--as-it-comes]

pass: reading a split with its metric, against a bare loop over the same loader that counts the right answers; bar 1.05. Pairs are taken in
turn, in seconds of the process, and the median ratio is printed with the extremes. Memory that was freed is kept by the process: whether
the C library gives it back after each layer, and fetches it anew, hangs on where small things lie, and moves either loop by tens of
percent; --as-it-comes leaves that in. memory: what is held after 10,000 and after 1,000,000 samples; the same. bootstrap: a million
predictions counted, and 2000 resamples drawn; bar 10 s.
"""

import argparse
import collections
import time
from statistics import median

import numpy
import torch
from freed_memory import keep_freed_memory
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.passes import Scored, scored

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--as-it-comes", action="store_true")
    repeats, as_it_comes = vars(parser.parse_args()).values()
    if not as_it_comes:
        keep_freed_memory()
    torch.manual_seed(0)
    for build in (mlp, conv_net, transformer):
        found = ratios(build, repeats)
        print(f"pass, {build.__name__:12} {median(found):.3f}x  ({min(found):.3f} to {max(found):.3f})   bar 1.05")
    print(f"memory: {held(counted(10_000))} bytes after 10,000 samples, {held(counted(1_000_000))} after 1,000,000   bar: the same")
    began = time.perf_counter()
    draws = counted(1_000_000).draws(numpy.random.default_rng(0))
    print(f"bootstrap: 1,000,000 predictions and {len(draws)} resamples in {time.perf_counter() - began:.2f} s   bar 10 s")


if __name__ == "__main__":
    main()
