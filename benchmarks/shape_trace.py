"""What a trace costs, as ratios to a bare forward pass measured in the same run.

    python benchmarks/shape_trace.py [--repeats 9] [--torchinfo FOLDER]

trace: the traced forward pass, with shapes, lines and FLOPs; bars 1.3, and no more than `torchinfo.summary`, where that is installed
(FOLDER: where `pip install --target FOLDER torchinfo` put it). The 7B Llama on the meta device: bar 2. whole: all of `%shape_trace`, two
passes with backward and checks of the promise included. Each ratio is taken pair by pair, in processor time, and the median is printed
with the extremes: machines are noisy, and so is their clock while others work on them. What is added to a pass is told once more in
milliseconds, on a single sample, because the noise of a long pass is larger than that.
"""

import argparse
import gc
import sys
import time
from statistics import median

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import dldebug
from dldebug_magics.instruments.trace import Trace


def conv_net():
    layers = []
    for given, made in ((3, 32), (32, 64), (64, 64), (64, 128)):
        layers += [nn.Conv2d(given, made, 3, padding=1), nn.BatchNorm2d(made), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 10)), torch.randn(16, 3, 64, 64)


def transformer():
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    return nn.Sequential(nn.Linear(64, 128), nn.TransformerEncoder(layer, 12), nn.Linear(128, 10)), torch.randn(16, 64, 64)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.norm, self.last = (nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x):
        return torch.relu(x + self.last(self.two(torch.relu(self.norm(self.one(x))))))


def residual_net():
    blocks = [Residual(32) for _ in range(8)]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), *blocks, *head), torch.randn(16, 3, 32, 32)


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 11008}
    with torch.device("meta"):
        return LlamaForCausalLM(LlamaConfig(**sizes)), torch.zeros(1, 64, dtype=torch.long)


def bare(model, x):
    model(x)


def traced(model, x):
    with Trace(model):
        model(x)


def whole(model, x):
    dldebug.shape_trace(model, train=x)


def summary(model, x):
    from torchinfo import summary as shown

    shown(model, input_data=x, verbose=0, mode="train")


def seconds(work, *args):
    """As `timeit` does it: garbage of earlier rounds is no part of this one."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    work(*args)
    taken = time.process_time() - began
    gc.enable()
    return taken


def told(name, pairs, bar=""):
    ratios = [mine / plain for plain, mine in pairs]
    plain = f"bare pass {1e3 * median(plain for plain, _ in pairs):.1f} ms"
    print(f"{name:<34} {median(ratios):5.2f}x   ({min(ratios):.2f} to {max(ratios):.2f})   {plain}   {bar}", flush=True)


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--repeats", type=int, default=9)
    asked.add_argument("--torchinfo", default="")
    options = asked.parse_args()
    sys.path += [options.torchinfo] if options.torchinfo else []
    works = {"trace": traced}
    try:
        import torchinfo  # noqa: F401

        works["torchinfo"] = summary
    except ImportError:
        print("torchinfo is not installed: no comparison with it")
    for make in (conv_net, transformer, residual_net):
        model, x = make()
        with torch.no_grad():  # as torchinfo does it
            rounds = [{name: seconds(work, model, x) for name, work in {"bare": bare, **works}.items()} for _ in range(options.repeats + 1)]
        for name in works:
            told(f"{make.__name__}, {name}", [(one["bare"], one[name]) for one in rounds[1:]], "bar 1.3" if name == "trace" else "")
        added(make.__name__, works, model, x[:1])
    big()
    lengths()


def added(name, works, model, x):
    """The milliseconds that each adds to a short pass."""
    with torch.no_grad():
        rounds = [{of: seconds(work, model, x) for of, work in {"bare": bare, **works}.items()} for _ in range(40)]
    said = ", ".join(f"{of} {1e3 * median(one[of] - one['bare'] for one in rounds):.2f} ms" for of in works)
    print(f"{name + ', added to one sample':<34} {said}", flush=True)


def big():
    """The model that fits nowhere: its trace, all of the magic, and how much memory that took."""
    import resource

    model, x = llama()
    x = x.to("meta")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds = [(seconds(bare, model, x), seconds(traced, model, x), seconds(whole, model, x)) for _ in range(4)][1:]
    told("7B Llama on meta, trace", [(plain, mine) for plain, mine, _ in rounds], "bar 2")
    told("7B Llama on meta, whole", [(plain, mine) for plain, _, mine in rounds])
    spent = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    print(f"{'':<34} all of %shape_trace in {median(r[2] for r in rounds):.2f} s; {spent:.0f} MB more than before")


def lengths():
    """Multiplications of a linear layer on sequences, where a counter that looks at the batch only is wrong."""
    model, x = nn.Linear(100, 20), torch.randn(4, 50, 100)
    with Trace(model) as trace, FlopCounterMode(display=False) as torchs:
        model(x)
    print(f"Linear(100, 20) on 4 x 50 x 100: {trace.entries[0].flops:,} FLOPs; torch's counter {torchs.get_total_flops():,}", end="")
    if "torchinfo" in sys.modules:
        from torchinfo import summary as shown

        print(f"; torchinfo {2 * shown(model, input_data=x, verbose=0).total_mult_adds:,} (twice its multiply-adds)", end="")
    print()


if __name__ == "__main__":
    main()
