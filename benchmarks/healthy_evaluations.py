"""How often `%bias_variance` raises an alarm about healthy programs: small networks, trained honestly and stopped in time.

    python benchmarks/healthy_evaluations.py [--seeds 3] [--only digits]

scikit-learn's digits, breast cancer, wine and diabetes; plain, with batch norm, with dropout and batch norm, with batch norm in small
batches, with batch norm held after a warm-up; few samples, classes of very different size, and a rate that stays as it is. Each is trained
with weight decay for 40 epochs, with its losses recorded; what is counted is each alarm and each note, by name. `overfitting` is none that
is false where the error on held-out data is 10 points above that on train; the others have no reason to be there.
"""

import argparse
import collections
import time

import numpy
import torch
from sklearn import datasets
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dldebug

EPOCHS = 40
SETS = {
    "digits": datasets.load_digits,
    "cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
KINDS = ("plain", "norm", "dropout", "small batches", "held norm", "few samples", "imbalanced", "constant rate")


def splits(name, kind, seed):
    """Standardised by train: three TensorDatasets; a third of the data each, or fewer of train, or few of the first class."""
    inputs, target = SETS[name](return_X_y=True)
    generator = numpy.random.default_rng(seed)
    order = generator.permutation(len(target))
    if kind == "imbalanced" and name != "diabetes":
        order = order[(target[order] != 0) | (generator.random(len(order)) < 0.2)]
    train, val, test = numpy.array_split(order, 3)
    train = train[: len(train) // 2] if kind == "few samples" else train
    mean, deviation = inputs[train].mean(0), inputs[train].std(0)
    deviation = numpy.maximum(deviation, 0.1 * deviation.mean() if name == "digits" else 1e-12)  # pixels that are hardly ever set
    values = name == "diabetes"
    target = (target - target.mean()) / target.std() if values else target

    def made(rows):
        y = torch.tensor(target[rows], dtype=torch.float32)[:, None] if values else torch.tensor(target[rows])
        return TensorDataset(torch.tensor((inputs[rows] - mean) / deviation, dtype=torch.float32), y)

    return tuple(made(rows) for rows in (train, val, test))


def network(kind, inputs, outputs):
    normed = kind in ("norm", "dropout", "small batches", "held norm")
    layers = [nn.Linear(inputs, 48), *([nn.BatchNorm1d(48)] * normed), nn.ReLU(), *([nn.Dropout(0.3)] * (kind == "dropout"))]
    return nn.Sequential(*layers, nn.Linear(48, outputs))


def trained(name, kind, seed):
    """A model with its loss, its data and the losses of its training by epoch."""
    torch.manual_seed(seed)
    train, val, test = splits(name, kind, seed)
    values = name == "diabetes"
    net = network(kind, train.tensors[0].shape[1], 1 if values else int(train.tensors[1].max()) + 1)
    loss_fn = nn.MSELoss() if values else nn.CrossEntropyLoss()
    loader = DataLoader(train, 8 if kind == "small batches" else 16, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3 if values else 3e-3, weight_decay=0.1)
    schedule, history = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS), []
    for epoch in range(EPOCHS):
        net.train()
        for norm in net.modules():
            if isinstance(norm, nn.BatchNorm1d) and kind == "held norm" and epoch >= 5:
                norm.eval()
        seen = [step(net, loss_fn, optimizer, *batch) for batch in loader]
        if kind != "constant rate":
            schedule.step()
        with torch.no_grad():
            history.append((numpy.mean(seen), float(loss_fn(net.eval()(val.tensors[0]), val.tensors[1]))))
    return net, loss_fn, loader, val, test, history


def step(net, loss_fn, optimizer, x, y):
    loss = loss_fn(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    alarms, notes, programs, began = collections.Counter(), collections.Counter(), 0, time.perf_counter()
    for name in SETS:
        for kind in KINDS:
            for seed in range(asked.seeds * (asked.only in ("", name))):
                net, loss_fn, loader, val, test, history = trained(name, kind, seed)
                report = dldebug.bias_variance(net, loss_fn, train=loader, val=val, test=test, history=history)
                assert report.untouched
                programs += 1
                alarms.update(f.name for f in report.alarms)
                notes.update(f.name for f in report.findings if f not in report.alarms)
                for finding in report.alarms:
                    print(f"{name}, {kind}, seed {seed}: {finding.name}: {[fact.seen for fact in finding.evidence.facts]}", flush=True)
    print(f"{programs} healthy programs in {time.perf_counter() - began:.0f} s; alarms: {dict(alarms)}; notes: {dict(notes)}")


if __name__ == "__main__":
    main()
