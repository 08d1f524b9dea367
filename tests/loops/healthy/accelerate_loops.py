"""accelerate: the user's own loop, with model, optimizer, loader and scheduler wrapped."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..quiet import accelerator
from .program import Program, loaders, net


def accelerate_loop() -> Program:
    """Clipping, a scheduler, and an evaluation whose results are gathered."""
    model, (train, val) = net(norm=True, dropout=0.1), loaders()

    def run():
        ours = accelerator()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=40)
        prepared, optimizer, batches, held, schedule = ours.prepare(model, optimizer, train, val, schedule)
        for _ in range(4):
            prepared.train()
            for x, y in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(prepared(x), y)
                ours.backward(loss)
                ours.clip_grad_norm_(prepared.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            prepared.eval()
            with torch.no_grad():
                [ours.gather_for_metrics((prepared(x).argmax(1), y)) for x, y in held]

    return Program(run, (model,))


def accelerate_accumulates_in_bfloat16() -> Program:
    """Half precision; `accumulate` leaves out steps, clearings and schedules of three batches in four, silently."""
    model, (train, _) = net(), loaders()

    def run():
        ours = accelerator(mixed_precision="bf16", gradient_accumulation_steps=4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4)
        prepared, optimizer, batches, schedule = ours.prepare(model, optimizer, train, schedule)
        loss_fn = nn.CrossEntropyLoss()
        for _ in range(4):
            for x, y in batches:
                with ours.accumulate(prepared):
                    loss = loss_fn(prepared(x), y)
                    ours.backward(loss)
                    if ours.sync_gradients:
                        ours.clip_grad_value_(prepared.parameters(), 0.5)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad()

    return Program(run, (model,))
