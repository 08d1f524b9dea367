"""The plan of `%memory_plan` against what torch's profiler saw in a real run: the peak, and the largest batch under a limit.

    python benchmarks/memory_plan.py [--models cnn lstm] [--largest]

For each of 15 small models and three batch sizes: two steps of training with Adam under `torch.profiler` (profile_memory=True, on a CPU),
and a pass of evaluation after them. The peak is the highest sum of the profiler's events, which include what kernels take for themselves,
plus what was there before: parameters, buffers and the batch. The loop is that of `observations/memory_plan/step.py`. Bars: the planned
peaks within 5 % of the real ones; with --largest, the largest batch within 5 % of the one that a search with real runs finds, under three
times the real peak of the middle size. What a kernel takes for itself depends on the processor: other machines, other digits.
"""

import argparse
import contextlib
import gc
import time
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from dldebug_magics.cures.batch_size import of, resized
from dldebug_magics.engine.on_paper import Paper
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.memory_plan.largest import largest
from dldebug_magics.observations.memory_plan.measured import evaluated, trained

SIZES = (4, 16, 64)
BAR = 0.05


class Block(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, channels):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norm, self.last = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.last(self.second(F.relu(self.norm(self.first(x))))))


class UNet(nn.Module):
    """Down, up, and the two joined."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(32, 16, 2, 2), nn.Conv2d(32, 2, 3, padding=1)

    def forward(self, x):
        wide = F.relu(self.down(x))
        return self.out(torch.cat([wide, self.up(F.relu(self.deep(F.max_pool2d(wide, 2))))], 1))


class Tagger(nn.Module):
    """Transformer layers over letters, a class for each."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(100, 64), nn.Linear(64, 100)
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)

    def forward(self, x):
        return self.head(self.layers(self.embedding(x))).transpose(1, 2)


class Patches(nn.Module):
    """A vision transformer."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
        self.patches, self.layers = nn.Conv2d(3, 64, 4, 4), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.norm(self.layers(self.patches(x).flatten(2).transpose(1, 2))).mean(1))


class Recurrent(nn.Module):
    """The last state of an LSTM or GRU."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layers = kind(32, 64, 2, batch_first=True, **options)
        self.head = nn.LazyLinear(5)

    def forward(self, x):
        return self.head(self.layers(x)[0][:, -1])


class Autoencoder(nn.Module):
    """A variational autoencoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.mean, self.spread = nn.Linear(784, 256), nn.Linear(256, 32), nn.Linear(256, 32)
        self.decoder = nn.Sequential(nn.Linear(32, 256), nn.GELU(), nn.Linear(256, 784))

    def forward(self, x):
        hidden = F.gelu(self.encoder(x))
        mean, spread = self.mean(hidden), self.spread(hidden)
        return self.decoder(mean + torch.randn_like(mean) * (spread / 2).exp())


class Words(nn.Module):
    """The mean of the words' vectors."""

    def __init__(self):
        super().__init__()
        self.vectors, self.head = nn.EmbeddingBag(20000, 64), nn.Linear(64, 4)

    def forward(self, x):
        return self.head(self.vectors(x))


class Logits(nn.Module):
    """A model of transformers that gives its logits, classes second."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits.movedim(-1, 1)


def gpt():
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": 300, "n_positions": 64, "n_embd": 64, "n_layer": 2, "n_head": 4}
    return Logits(GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)))


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    return Logits(BertForSequenceClassification(BertConfig(vocab_size=300, max_position_embeddings=64, **sizes)))


def conv_net():
    first = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(4096, 10))


def residual():
    blocks = [*(Block(16) for _ in range(3)), nn.Conv2d(16, 32, 3, 2, 1), *(Block(32) for _ in range(3))]
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def signals():
    first = [nn.Conv1d(8, 32, 5), nn.GroupNorm(4, 32), nn.SiLU(), nn.AvgPool1d(2), nn.Conv1d(32, 64, 5, dilation=2), nn.GELU()]
    return nn.Sequential(*first, nn.AdaptiveMaxPool1d(4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(256, 6))


def volumes():
    first = [nn.Conv3d(1, 8, 3, padding=1), nn.BatchNorm3d(8), nn.LeakyReLU(), nn.MaxPool3d(2)]
    return nn.Sequential(*first, nn.Conv3d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8192, 3))


def depthwise():
    first = [nn.Conv2d(3, 32, 3, 2, 1), nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.InstanceNorm2d(32), nn.Hardswish()]
    second = [nn.Conv2d(32, 64, 1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(64, 2, 1)]
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def dense():
    return nn.Sequential(nn.Linear(200, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def numbers(*shape):
    return lambda count: torch.randn(count, *shape)


def codes(kinds, *shape):
    return lambda count: torch.randint(0, kinds, (count, *shape))


MODELS = {
    "dense": (dense, numbers(200), codes(10)),
    "conv_net": (conv_net, numbers(3, 32, 32), codes(10)),
    "residual": (residual, numbers(3, 32, 32), codes(10)),
    "unet": (UNet, numbers(1, 64, 64), codes(2, 64, 64)),
    "tagger": (Tagger, codes(100, 64), codes(100, 64)),
    "patches": (Patches, numbers(3, 32, 32), codes(10)),
    "lstm": (partial(Recurrent, nn.LSTM, bidirectional=True), numbers(50, 32), codes(5)),
    "gru": (partial(Recurrent, nn.GRU), numbers(20, 32), codes(5)),
    "gpt": (gpt, codes(300, 64), codes(300, 64)),
    "bert": (bert, codes(300, 64), codes(2)),
    "autoencoder": (Autoencoder, numbers(784), numbers(784)),
    "words": (Words, codes(20000, 40), codes(4)),
    "signals": (signals, numbers(8, 256), codes(6)),
    "volumes": (volumes, numbers(1, 16, 16, 16), codes(3)),
    "depthwise": (depthwise, numbers(3, 32, 32), codes(2)),
}


def program(name, count):
    """A fresh program of that name with a batch of so many samples."""
    torch.manual_seed(0)
    make, inputs, targets = MODELS[name]
    model, batch = make(), (inputs(count), targets(count))
    model(batch[0])  # lazy layers get their shape
    loss_fn = nn.MSELoss() if name == "autoencoder" else nn.CrossEntropyLoss()
    return Subject(model, loss_fn, torch.optim.Adam(model.parameters()), batch, batch=batch)


def held(*tensors):
    """The bytes of these tensors' storages, each once."""
    return sum({t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}.values())


@contextlib.contextmanager
def profiling():
    """Torch's profiler, with no garbage from before let go in between: it would be counted as memory given back."""
    gc.collect()
    gc.disable()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            yield profiled
    finally:
        gc.enable()


def highest(profiled):
    """The highest sum of the profiler's memory events."""
    events = sorted((e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"), key=lambda event: event.start_ns())
    now = peak = 0
    for event in events:
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def really_trained(subject):
    """The peak of two real steps, by the profiler."""
    model, (x, y), optimizer = subject.model.train(), subject.batch, subject.optimizer
    before = held(*model.parameters(), *model.buffers(), x, y)
    with profiling() as profiled:
        for _ in range(2):
            output = model(x)
            loss = subject.loss_fn(output, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return before + highest(profiled)


def really_evaluated(subject):
    """The peak of a real evaluation, by the profiler; with the optimizer's state, if it has one by now."""
    model, (x, y) = subject.model.eval(), subject.batch
    state = [t for values in subject.optimizer.state.values() for t in values.values()]
    before = held(*model.parameters(), *model.buffers(), x, y, *state)
    with profiling() as profiled, torch.no_grad():
        output = model(x)
        loss = subject.loss_fn(output, y)  # noqa: F841 - held as the loop's variable holds it
    return before + highest(profiled)


def planned(subject):
    """The planned peaks of training and evaluation."""
    with Paper(subject).lend() as lent:
        usage = trained(lent)
        return usage.peak.total, evaluated(lent, state=usage.state).peak.total


def planned_largest(name, limit, count=16):
    """The largest batch, as planned."""
    with Paper(program(name, count)).lend() as lent:
        return largest(lambda samples: trained(lent, of(samples)).peak.total, limit, count)


def really_largest(name, limit, count=16):
    """The largest batch, by a search with real runs."""

    def need(samples):
        subject = program(name, count)
        batch = resized(subject.batch, samples)
        return really_trained(Subject(subject.model, subject.loss_fn, subject.optimizer, batch, batch=batch))

    return largest(need, limit, count)


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    asked.add_argument("--largest", action="store_true")
    options = asked.parse_args()
    worst = 0.0
    for name in options.models:
        for count in SIZES:
            began, plan = time.perf_counter(), planned(program(name, count))
            seconds, subject = time.perf_counter() - began, program(name, count)
            real = really_trained(subject), really_evaluated(subject)
            errors = [p / r - 1 for p, r in zip(plan, real, strict=True)]
            worst = max(worst, *map(abs, errors))
            told = "   ".join(f"{r / 1e6:8.3f} MB, planned {p / 1e6:8.3f} ({e:+.2%})" for p, r, e in zip(plan, real, errors, strict=True))
            print(f"{name:12} {count:4}   {told}   {seconds:.2f} s", flush=True)
        if options.largest:
            limit = 3 * really_trained(program(name, 16))
            plan, real = planned_largest(name, limit), really_largest(name, limit)
            worst = max(worst, abs(plan / real - 1))
            print(f"{name:12} largest batch under {limit / 1e6:.1f} MB: {real}, planned {plan} ({plan / real - 1:+.2%})", flush=True)
    print(f"largest error {worst:.2%}; bar {BAR:.0%}")
    return worst > BAR


if __name__ == "__main__":
    raise SystemExit(main())
