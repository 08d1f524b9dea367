"""Healthy models of every kind that a trace must get right, each with a batch for it, and what its axes are called."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


class Written(nn.Module):
    """A model whose forward is a function of it and its inputs."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.as_written = forward

    def forward(self, *inputs, **named):
        return self.as_written(self, *inputs, **named)


def tokens(*shape, most=50):
    return torch.randint(0, most, shape)


@model
def perceptron():
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3)), torch.randn(8, 16)


@model
def convolutions():
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, groups=2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)), torch.randn(8, 3, 16, 16)


@model
def residual():
    def block(self, x):
        return torch.relu(x + self.two(torch.relu(self.one(x))))

    blocks = [Written(block, one=nn.Conv2d(8, 8, 3, padding=1), two=nn.Conv2d(8, 8, 3, padding=1)) for _ in range(6)]
    return nn.Sequential(nn.Conv2d(3, 8, 3), *blocks, nn.Flatten(), nn.Linear(8 * 36, 2)), torch.randn(4, 3, 8, 8)


@model
def autoencoder():
    down, up = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)
    return nn.Sequential(down, nn.ReLU(), up), torch.randn(6, 1, 8, 8)


@model
def encoder():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.Sequential(nn.Linear(16, 32), nn.TransformerEncoder(layer, 12), nn.Linear(32, 5)), torch.randn(8, 10, 16)


@model
def written_attention():
    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self.qkv(x).view(batch, time, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2) / 2).masked_fill(torch.ones(time, time).tril() == 0, float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, time, width))

    return Written(forward, qkv=nn.Linear(16, 48), out=nn.Linear(16, 16)), torch.randn(8, 10, 16)


@model
def language_model():
    def forward(self, x):
        states, (_, _) = self.rnn(self.words(x))
        return self.head(states)

    return Written(forward, words=nn.Embedding(50, 16), rnn=nn.LSTM(16, 32, 2, batch_first=True), head=nn.Linear(32, 50)), tokens(8, 20)


@model
def time_first():
    return Written(lambda self, x: self.rnn(x)[0], rnn=nn.GRU(6, 8)), torch.randn(20, 4, 6)


@model
def padded():
    def forward(self, x, lengths):
        states, last = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        return {"states": self.head(pad_packed_sequence(states, batch_first=True)[0]), "last": last}

    return Written(forward, rnn=nn.GRU(6, 8, batch_first=True), head=nn.Linear(8, 2)), (torch.randn(4, 7, 6), torch.tensor([7, 5, 3, 2]))


@model
def packed():
    return Written(lambda self, x: self.rnn(x), rnn=nn.GRU(6, 8)), (pack_sequence([torch.randn(5, 6), torch.randn(3, 6)]),)


@model
def looped():
    def forward(self, x):
        hidden = cell = torch.zeros(x.shape[0], 8)
        for step in range(x.shape[1]):
            hidden, cell = self.cell(x[:, step], (hidden, cell))
        return self.head(hidden)

    return Written(forward, cell=nn.LSTMCell(6, 8), head=nn.Linear(8, 2)), torch.randn(4, 12, 6)


@model
def tied():
    parts = {"words": nn.Embedding(50, 16), "inner": nn.Linear(16, 16), "head": nn.Linear(16, 50, bias=False)}
    parts["head"].weight = parts["words"].weight
    return Written(lambda self, x: self.head(torch.relu(self.inner(self.inner(self.words(x))))), **parts), tokens(8, 20)


@model
def points():
    return Written(lambda self, x: self.two(self.one(x).relu().amax(1)), one=nn.Linear(3, 16), two=nn.Linear(16, 4)), torch.randn(8, 100, 3)


@model
def signal():
    layers = nn.Conv1d(4, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2)
    return nn.Sequential(*layers), torch.randn(8, 4, 100)


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    hidden: tuple


@model
def dataclass_output():
    return Written(lambda self, x, y: Output(self.layer(x), (x, y)), layer=nn.Linear(4, 4)), (torch.randn(3, 4), torch.randn(3, 4))


@model
def idle_parts():
    def forward(self, x):
        return F.linear(self.used(x), self.direct.weight)

    return Written(forward, used=nn.Linear(4, 4), direct=nn.Linear(4, 4), never=nn.Linear(4, 9)), torch.randn(3, 4)


@model
def frozen_part():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    net[0].requires_grad_(False)
    return net, torch.randn(5, 4)


@model
def data_dependent():
    def forward(self, x):
        for _ in range(int(x.abs().sum()) % 3 + 1):
            x = self.layer(x)
        return x if x.sum() > 0 else -x

    return Written(forward, layer=nn.Linear(4, 4)), torch.randn(3, 4)


@model
def graph():
    return Written(lambda self, x, edges: edges @ self.layer(x), layer=nn.Linear(5, 3)), (torch.randn(9, 5), torch.ones(9, 9))


@model
def dict_input():
    def forward(self, ids, mask):
        return (self.words(ids) * mask[..., None]).sum(1)

    return Written(forward, words=nn.Embedding(50, 4)), {"ids": tokens(3, 6), "mask": torch.ones(3, 6)}


@model
def lazy():
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)), torch.randn(4, 3, 8, 8)


@model
def parametrized():
    spectral, weight = nn.utils.parametrizations.spectral_norm, nn.utils.parametrizations.weight_norm
    return nn.Sequential(spectral(nn.Linear(6, 8)), nn.ReLU(), weight(nn.Linear(8, 2))), torch.randn(5, 6)


@model
def sequence_to_sequence():
    net = nn.Transformer(16, 2, 2, 2, 32, batch_first=True)
    return Written(lambda self, source, goal: self.net(source, goal), net=net), (torch.randn(4, 9, 16), torch.randn(4, 7, 16))


@model
def parts_without_modules():
    def forward(self, x):
        for weight in self.weights:
            x = torch.tanh(x @ weight)
        return x

    return Written(forward, weights=nn.ParameterList(nn.Parameter(torch.randn(6, 6)) for _ in range(3))), torch.randn(5, 6)


@model
def checkpointed():
    from torch.utils.checkpoint import checkpoint

    def forward(self, x):
        return self.head(checkpoint(self.body, x, use_reentrant=False))

    return Written(forward, body=nn.Sequential(nn.Linear(6, 12), nn.ReLU()), head=nn.Linear(12, 2)), torch.randn(5, 6)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2

    @staticmethod
    def backward(context, gradient):
        return gradient * 2


@model
def custom_function():
    return Written(lambda self, x: self.layer(Doubled.apply(x)), layer=nn.Linear(4, 3)), torch.randn(5, 4)


@model
def mixed_precision():
    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.two(self.one(x).relu())

    return Written(forward, one=nn.Linear(4, 8), two=nn.Linear(8, 3)), torch.randn(5, 4)


@model
def siamese():
    def forward(self, one, two):
        one, two = self.tower(one), self.tower(two)
        return one @ two.T, None

    return Written(forward, tower=nn.Sequential(nn.Linear(4, 8), nn.Tanh())), (torch.randn(5, 4), torch.randn(5, 4))


@model
def spectrum():
    return Written(lambda self, x: self.head(torch.fft.rfft(x).abs()), head=nn.Linear(17, 3)), torch.randn(5, 32)


@model
def ensemble():
    def forward(self, x):
        return torch.vmap(lambda weight: x @ weight)(self.weights).mean(0)

    net = Written(forward)
    net.weights = nn.Parameter(torch.randn(3, 4, 2))
    return net, torch.randn(5, 4)


@model
def without_parameters():
    return Written(lambda self, x: (x - x.mean(0)) / x.std(0)), torch.randn(5, 4)


@model
def bags():
    return nn.Sequential(nn.EmbeddingBag(50, 8), nn.Linear(8, 2)), tokens(5, 7)


@model
def volumes():
    return nn.Sequential(nn.Conv3d(1, 2, 3), nn.GroupNorm(1, 2), nn.Flatten(), nn.Linear(2 * 27, 2)), torch.randn(4, 1, 5, 5, 5)


@model
def unet():
    def forward(self, x):
        down = torch.relu(self.down(x))
        inner = torch.relu(self.inner(F.max_pool2d(down, 2)))
        return self.out(torch.cat([down, F.interpolate(inner, scale_factor=2)], dim=1))

    parts = {"down": nn.Conv2d(1, 4, 3, padding=1), "inner": nn.Conv2d(4, 4, 3, padding=1), "out": nn.Conv2d(8, 1, 1)}
    return Written(forward, **parts), torch.randn(4, 1, 8, 8)


@model
def experts():
    def forward(self, x):
        chosen = self.gate(x).argmax(-1)
        out = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            out[chosen == number] = expert(x[chosen == number])
        return out

    return Written(forward, gate=nn.Linear(4, 3), experts=nn.ModuleList(nn.Linear(4, 4) for _ in range(3))), torch.randn(20, 4)


@model
def bert():
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 50}
    ids = {"input_ids": tokens(4, 12), "attention_mask": torch.ones(4, 12, dtype=torch.long)}
    return BertModel(BertConfig(**sizes)), ids


@model
def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=4, n_head=4, vocab_size=50, n_positions=32)), {"input_ids": tokens(4, 12)}


@model
def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 50}
    return LlamaForCausalLM(LlamaConfig(**sizes)), {"input_ids": tokens(4, 12)}


@model
def t5():
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 50}
    return T5ForConditionalGeneration(T5Config(**sizes)), {"input_ids": tokens(4, 12), "decoder_input_ids": tokens(4, 6)}


@model
def vit():
    from transformers import ViTConfig, ViTModel

    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "image_size": 16,
        "patch_size": 4,
    }
    return ViTModel(ViTConfig(**sizes)), torch.randn(4, 3, 16, 16)
