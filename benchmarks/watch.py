"""What a watch costs, as the ratio of a watched loop to the same loop bare, in lock-step; and what it keeps in memory.

    python benchmarks/watch.py [--repeats 5] [--steps 1000] [--memory 10000] [--only tiny_mlp]

Bars: 1.05 for steps of 5 ms and more, 1.25 for a tiny MLP (steps under 0.5 ms), over 1,000 steps; less than 20 MB more over 10,000 steps.
Three processes take turns, fifty steps each: one bare, one watched, one bare again, whose ratio to the first is the noise of the machine.
The time is that of the processor; of each fifty steps the median of the repeats counts; the extremes of whole runs stand beside it.
The report at the end of a watch is not part of a step, and is timed by itself. Freed memory stays in the processes (freed_memory.py).
"""

import argparse
import contextlib
import gc
import itertools
import multiprocessing
import resource
import time
from pathlib import Path
from statistics import median

import torch
from freed_memory import keep_freed_memory
from torch import nn

from dldebug_magics.ask import Watch

BLOCK = 50


def tiny_mlp(kind=torch.optim.SGD):
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    return net, kind(net.parameters(), lr=1e-3), torch.randn(32, 20)


def tiny_mlp_with_adam():
    return tiny_mlp(torch.optim.Adam)


def conv_net():
    convolutions = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU()
    net = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(32 * 15 * 15, 10))
    return net, torch.optim.Adam(net.parameters(), lr=1e-3), torch.randn(32, 3, 32, 32)


def transformer():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(64 * 32, 10))
    return net, torch.optim.Adam(net.parameters(), lr=1e-3), torch.randn(32, 32, 64)


ROWS = {make.__name__: make for make in (tiny_mlp, tiny_mlp_with_adam, conv_net, transformer)}


def training(program):
    """The loop that anyone would write, with the `loss.item()` that anyone would log; one step at a time."""
    (net, optimizer, x), y, loss_fn = program, torch.zeros(32, dtype=torch.long), nn.CrossEntropyLoss()
    while True:
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
        yield


def train(steps, loop):
    """The processor's seconds for so many steps."""
    began = time.process_time()
    for _ in range(steps):
        next(loop)
    return time.process_time() - began


def worker(pipe):
    """A process that trains a block whenever it is told to."""
    torch.set_num_threads(1)
    keep_freed_memory()
    for name, watched, blocks in iter(pipe.recv, None):
        train(BLOCK, training(ROWS[name]()))
        loop, watch = training(ROWS[name]()), Watch() if watched else contextlib.nullcontext()
        pipe.send(None)
        with watch:
            for _ in range(blocks):
                pipe.recv()
                pipe.send(train(BLOCK, loop))
            began = time.process_time()
        pipe.send(time.process_time() - began)


def turns(pipes, name, blocks):
    """The seconds of each block of a bare, a watched, and another bare run, which take turns; and of the report."""
    for place, pipe in enumerate(pipes):
        pipe.send((name, place == 1, blocks))
        pipe.recv()
    seconds = [[0.0] * blocks for _ in pipes]
    for block in range(blocks):
        for place in itertools.islice(itertools.cycle(range(len(pipes))), block, block + len(pipes)):  # each is first in its turn
            pipes[place].send(None)
            seconds[place][block] = pipes[place].recv()
    return seconds, [pipe.recv() for pipe in pipes][1]


def row(pipes, name, steps, repeats):
    """One line of the table."""
    runs, reports = zip(*(turns(pipes, name, steps // BLOCK) for _ in range(repeats)), strict=True)
    bare, watched, again = (sum(median(block) for block in zip(*(run[place] for run in runs), strict=True)) for place in range(3))
    ratios, noise = ([sum(run[place]) / sum(run[0]) for run in runs] for place in (1, 2))
    spread, around = (f"({min(each):.2f} to {max(each):.2f})" for each in (ratios, noise))
    step, report = 1e3 * bare / steps, 1e3 * median(reports)
    print(f"{name:<20}{step:7.2f}   {watched / bare:6.3f} {spread:<16}{again / bare:6.3f} {around:<16}{report:6.0f}", flush=True)


def evaluated(steps, loop):
    """A loop that wakes the watch as often as may be: another mode, a loader and a scheduler every ten steps."""
    program, kept = loop
    net, optimizer, x = program
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=8)
    for _ in range(steps // 10):
        net.train()
        train(10, kept)
        schedule.step()
        net.eval()
        with torch.no_grad():
            for (batch,) in loader:
                net(batch)


def plain(steps, loop):
    """A loop that only trains."""
    train(steps, loop[1])


def memory(steps, kind):
    """How much more the process holds after so many watched steps than after as many bare ones, in MB; with the report; the steps."""
    program = tiny_mlp()
    loop = program, training(program)
    kind(steps, loop)
    before = resident()
    with Watch() as watch:
        kind(steps, loop)
        held = resident() - before
    return held, resident() - before, watch.experiment.taken


def resident():
    """What the process holds now, in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main():
    asked = argparse.ArgumentParser()
    for name, usual in (("repeats", 5), ("steps", 1000), ("memory", 10_000)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    asked.add_argument("--only", nargs="*", default=list(ROWS))
    options = asked.parse_args()
    spawn = multiprocessing.get_context("spawn")
    pipes, ends = zip(*(spawn.Pipe() for _ in range(3)), strict=True)
    for end in ends:
        spawn.Process(target=worker, args=(end,), daemon=True).start()
    print(f"{options.steps} steps        step, ms   watched / bare         bare / bare            report, ms", flush=True)
    for name in options.only:
        row(pipes, name, options.steps, options.repeats)
    for pipe in pipes:
        pipe.send(None)
    for kind in (plain, evaluated):
        held, ended, taken = memory(options.memory, kind)
        print(f"memory over {taken} steps, {kind.__name__}: {held:+.1f} MB, with the report {ended:+.1f} MB")


if __name__ == "__main__":
    main()
