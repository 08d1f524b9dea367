"""What a watch costs, as the ratio of a watched loop to the same loop bare, measured in the same run; and what it keeps in memory.

    python benchmarks/watch.py [--repeats 7] [--steps 1000] [--memory 10000] [--traincheck BIN]

Bars: 1.05 for steps of 5 ms and more, 1.25 for a tiny MLP (steps under 0.5 ms), over 1,000 steps; less than 20 MB more over 10,000 steps.
Bare and watched runs take turns; the ratio is that of processor time, and the median of the repeats is printed with the extremes: machines
are noisy, seconds mean little. The report at the end of a watch is not part of a step, and is timed by itself. `watch_others.py` adds what
others cost in the same loop.
"""

import argparse
import gc
import resource
import time
from pathlib import Path
from statistics import median

import torch
import watch_others
from torch import nn

from dldebug_magics.ask import Watch


def tiny_mlp(kind=torch.optim.SGD):
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return net, kind(net.parameters(), lr=1e-3), torch.randn(32, 20)


def tiny_mlp_with_adam():
    return tiny_mlp(torch.optim.Adam)


def conv_net():
    convolutions = nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU()
    net = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(64 * 15 * 15, 10))
    return net, torch.optim.Adam(net.parameters(), lr=1e-3), torch.randn(32, 3, 32, 32)


def transformer():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(64 * 32, 10))
    return net, torch.optim.Adam(net.parameters(), lr=1e-3), torch.randn(32, 32, 64)


def loop(program, steps):
    """The loop that anyone would write, with the `loss.item()` that anyone would log."""
    (net, optimizer, x), y, loss_fn = program, torch.zeros(32, dtype=torch.long), nn.CrossEntropyLoss()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()


def seconds(work, *args):
    began = time.process_time()
    work(*args)
    return time.process_time() - began


def pair(make, steps):
    """(bare, watched, the report's) seconds of one run each."""
    bare, program, watch = seconds(loop, make(), steps), make(), Watch()
    with watch:
        watched = seconds(loop, program, steps)
        began = time.process_time()
    return bare, watched, time.process_time() - began


def told(name, pairs, steps):
    ratios = [watched / bare for bare, watched, _ in pairs]
    bare, report = (1e3 * median(each) for each in ([p[0] / steps for p in pairs], [p[2] for p in pairs]))
    spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"{name:<22} {median(ratios):6.3f}x   {spread:<16} bare step {bare:.2f} ms, report {report:.0f} ms", flush=True)


def loop_with_evaluation(program, steps):
    """One that wakes the watch as often as may be: another mode, a loader and a scheduler every ten steps."""
    net, optimizer, x = program
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=8)
    for _ in range(steps // 10):
        net.train()
        loop(program, 10)
        schedule.step()
        net.eval()
        with torch.no_grad():
            for (batch,) in loader:
                net(batch)


def memory(steps, train=loop):
    """How much more the process holds after so many watched steps than after as many bare ones, in MB; with the report; the steps."""
    program = tiny_mlp()
    train(program, steps)
    before = resident()
    with Watch() as watch:
        train(program, steps)
        held = resident() - before
    return held, resident() - before, watch.experiment.taken


def resident():
    """What the process holds now, in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--repeats", type=int, default=7)
    asked.add_argument("--steps", type=int, default=1000)
    asked.add_argument("--memory", type=int, default=10_000)
    asked.add_argument("--traincheck", type=Path, metavar="BIN", help="the folder with its commands")
    options = asked.parse_args()
    print(f"watched run / bare run of {options.steps} steps")
    for make, share in ((tiny_mlp, 1), (tiny_mlp_with_adam, 1), (transformer, 0.2), (conv_net, 0.1)):
        steps = int(share * options.steps)
        loop(make(), min(steps, 50))
        told(make.__name__, [pair(make, steps) for _ in range(options.repeats)], steps)
    watch_others.lightning(tiny_mlp, loop, options.steps, options.repeats)
    watch_others.traincheck(options.traincheck)
    for train in (loop, loop_with_evaluation):
        held, ended, taken = memory(options.memory, train)
        print(f"memory over {taken} steps, {train.__name__}: {held:+.1f} MB, with the report {ended:+.1f} MB")


if __name__ == "__main__":
    main()
