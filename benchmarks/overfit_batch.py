"""What a diagnosis costs, as ratios to a bare training loop measured in the same run.

    python benchmarks/overfit_batch.py [--repeats 5]

recorded: the run of `%overfit_batch` alone (no floor, no cards, no cures) against as many bare steps; bars 1.10 for steps of 5 ms and
more, 1.5 for a tiny MLP. diagnosis: a whole diagnosis of a faulty program against a bare run of 200 steps; bar 10. Each ratio is taken
pair by pair, and the median is printed with the extremes: machines are noisy, seconds mean little.
"""

import argparse
import time
from statistics import median

import torch
from torch import nn

from dldebug_magics.ask import ask
from dldebug_magics.checks import all_checks
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch.training import Training


def tiny_mlp():
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    batch = torch.randn(32, 20), torch.randint(0, 10, (32,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch, batch=batch)


def conv_net():
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 15 * 15, 10),
    )
    batch = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch, batch=batch)


def transformer():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(64 * 32, 10))
    batch = torch.randn(32, 32, 64), torch.randint(0, 10, (32,))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), batch, batch=batch)


def bare(subject, steps):
    """The loop that anyone would write, with the `loss.item()` that anyone would log."""
    for _ in range(steps):
        subject.optimizer.zero_grad()
        loss = subject.loss_fn(subject.model(subject.batch[0]), subject.batch[1])
        loss.backward()
        subject.optimizer.step()
        loss.item()


def recorded(subject, steps):
    for _, _ in zip(range(steps), Training(subject), strict=False):
        pass


def diagnose(subject):
    return list(ask("overfit_batch", subject))[-1]


def seconds(work, *args):
    began = time.perf_counter()
    work(*args)
    return time.perf_counter() - began


def told(name, ratios, note=""):
    print(f"{name:<44} {median(ratios):6.2f}x   ({min(ratios):.2f} to {max(ratios):.2f})   {note}", flush=True)


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--repeats", type=int, default=5)
    repeats = asked.parse_args().repeats
    print("recorded run / bare run of as many steps")
    for make, steps in ((tiny_mlp, 300), (conv_net, 40), (transformer, 40)):
        plain, watched = make(), make()
        bare(plain, 5), recorded(watched, 5)
        pairs = [(seconds(bare, plain, steps), seconds(recorded, watched, steps)) for _ in range(repeats)]
        told(make.__name__, [r / b for b, r in pairs], f"bare step {1e3 * median(b for b, _ in pairs) / steps:.2f} ms")
    print("\nwhole diagnosis of a faulty program / bare run of 200 steps of it: causes of the stages overfit and data")
    everything = []
    for check in (check for check in all_checks() if check.stage in ("overfit", "data")):
        diagnose(check.bad_examples[0]())
        ratios = []
        for _ in range(max(repeats // 2, 1)):
            plain, faulty = check.bad_examples[0](), check.bad_examples[0]()
            ratios.append(seconds(diagnose, faulty) / bare_200(plain))
        told(check.name, ratios)
        everything.append(median(ratios))
    print(f"median of the medians {median(everything):.2f}x, largest {max(everything):.2f}x")


def bare_200(subject):
    """Seconds of 200 bare steps; a program that crashes in its first step is given the time of a sound one."""
    x, y = subject.train if isinstance(subject.train, tuple) else next(iter(subject.train))
    try:
        return seconds(bare, Subject(subject.model, subject.loss_fn, subject.optimizer, batch=(x, y)), 200)
    except (RuntimeError, IndexError):
        return seconds(bare, tiny_mlp(), 200)


if __name__ == "__main__":
    main()
