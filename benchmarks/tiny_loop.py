"""The tiny MLP of `watch.py` as a script, for tools that rewrite scripts and run them; prints what a step takes."""

import os
import time

import torch
from torch import nn


def main():
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer, loss_fn = torch.optim.SGD(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    x, y, steps = torch.randn(32, 20), torch.zeros(32, dtype=torch.long), int(os.environ.get("STEPS", "1000"))
    began = time.process_time()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
    print("seconds a step:", (time.process_time() - began) / steps)


if __name__ == "__main__":
    main()
