"""What others cost in the loop that `watch.py` measures: Lightning's Trainer, and TrainCheck, where it is installed.

    python benchmarks/watch_others.py [--repeats 5] [--steps 1000] [--traincheck BIN]

Lightning is asked for nothing: no logger, no bar, no checkpoints, no loader. TrainCheck pins packages of its own and wants an
environment for itself; `--traincheck BIN` names the folder of its commands. It is measured twice: as it collects the trace of a run that is
known to be good, from which it infers what should hold (minutes), and as it collects what it needs to check that in another run.
"""

import argparse
import itertools
import logging
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn
from watch import tiny_mlp, train, training

from dldebug_magics.ask import Watch

_SCRIPT = Path(__file__).parent / "tiny_loop.py"


def lightning(steps, repeats):
    """Print (Trainer / bare loop), and (watched Trainer / Trainer)."""
    try:
        import pytorch_lightning
    except ImportError:
        print("Lightning is not installed here")
        return
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    class Module(pytorch_lightning.LightningModule):
        def __init__(self, net, optimizer):
            super().__init__()
            self.net, self.made, self.loss_fn = net, optimizer, nn.CrossEntropyLoss()

        def training_step(self, batch, number):
            return self.loss_fn(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return self.made

    def fitted():
        net, optimizer, x = tiny_mlp()
        off = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
        trainer = pytorch_lightning.Trainer(accelerator="cpu", max_steps=steps, max_epochs=-1, **off)
        data, began = itertools.repeat((x, torch.zeros(32, dtype=torch.long))), time.process_time()
        trainer.fit(Module(net, optimizer), data)
        return time.process_time() - began

    def bare():
        return train(steps, training(tiny_mlp()))

    def watched():
        with Watch():
            return fitted()

    fitted()
    rounds = [(bare(), fitted(), watched()) for _ in range(repeats)]
    _told("Lightning's Trainer", [b / a for a, b, _ in rounds], "of the bare loop")
    _told("watched Trainer", [c / b for _, b, c in rounds], "of the Trainer")


def traincheck(commands, steps=300):
    """Print (collecting everything / bare loop) and (collecting what its checks need / bare loop)."""
    if commands is None:
        print("TrainCheck: not asked for (--traincheck BIN)")
        return
    with tempfile.TemporaryDirectory() as folder:

        def ran(*command, steps):
            done = subprocess.run([str(part) for part in command], cwd=folder, env={"STEPS": str(steps), "OMP_NUM_THREADS": "1"},
                                  capture_output=True, text=True)  # fmt: skip
            found = re.search(r"seconds a step: ([\d.e-]+)", done.stdout + done.stderr)
            return float(found[1]) if found else float("nan")

        script = shutil.copy(_SCRIPT, folder)  # what is made of it comes to lie beside it
        collect = (commands / "traincheck-collect", "-p", script, "-t", "torch", "--models-to-track", "model")
        bare = ran(commands / "python", _SCRIPT, steps=1000)
        everything = ran(*collect, "--output-dir", "good", steps=30)
        ran(commands / "traincheck-infer", "-f", "good", steps=0)
        needed = ran(*collect, "--invariants", "invariants.json", "--output-dir", "checked", steps=steps)
    _told("TrainCheck, all", [everything / bare], "of the bare loop")
    _told("TrainCheck, to check", [needed / bare], "of the bare loop")


def _told(name, ratios, of):
    print(f"{name:<22} {median(ratios):6.3f}x   ({min(ratios):.2f} to {max(ratios):.2f}) {of}", flush=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--steps", type=int, default=1000)
    asked.add_argument("--traincheck", type=Path, metavar="BIN", help="the folder of its commands")
    options = asked.parse_args()
    lightning(options.steps, options.repeats)
    traincheck(options.traincheck)
