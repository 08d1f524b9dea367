"""Whether a model of the next step sees it: found in every kind of layer and layout, and not asked about programs of other kinds."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.causal import causal
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.next_step import next_steps
from dldebug_magics.observations.cards.time_axis import TimeCard

torch.manual_seed(0)
N, T, F = 5, 7, 8
CODES, WAVES = torch.randint(0, 20, (N, T + 1)), torch.randn(N, T + 1, F)
X, Y = CODES[:, :-1], CODES[:, 1:]
FLAT = lambda o, y: functional.cross_entropy(o.flatten(0, 1), y.flatten())  # noqa: E731
CLASSES_SECOND = lambda o, y: functional.cross_entropy(o.transpose(1, 2), y)  # noqa: E731


class Net(nn.Module):
    def __init__(self, body, *layers):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.more = body, nn.ModuleList(layers)
        self.e, self.q, self.head = nn.Embedding(20, F), nn.Linear(F, F), nn.Linear(F, 20)

    def forward(self, x):
        return self.body(self, x)


def scores(n, x, mask):
    h = n.e(x)
    s = n.q(h) @ h.transpose(1, 2)
    return n.head((s.masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf) if mask else s).softmax(-1) @ h)


def encoded(n, x, mask):
    return n.head(n.more[0](n.e(x), mask=nn.Transformer.generate_square_subsequent_mask(T) if mask else None))


def many(n, x, mask):
    h = n.e(x).transpose(0, 1)
    return n.head(n.more[0](h, h, h, attn_mask=torch.ones(T, T).triu(1).bool() if mask else None)[0].transpose(0, 1))


def convolved(n, x, mask):
    h = n.e(x).transpose(1, 2)
    return n.head((n.more[1](functional.pad(h, (4, 0))) if mask else n.more[0](h)).transpose(1, 2))


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(F, 2, 8, batch_first=True), 2, enable_nested_tensor=False)


PAIRS = {
    "scores": (scores, [], FLAT),
    "scaled": (lambda n, x, mask: n.head(functional.scaled_dot_product_attention(*3 * [n.e(x)], is_causal=mask)), [], CLASSES_SECOND),
    "encoder": (encoded, [encoder], FLAT),
    "attention": (many, [lambda: nn.MultiheadAttention(F, 2)], FLAT),
    "conv": (convolved, [lambda: nn.Conv1d(F, F, 3, padding=2, dilation=2), lambda: nn.Conv1d(F, F, 3, dilation=2)], FLAT),
    "lstm": (lambda n, x, mask: n.head(n.more[mask](n.e(x))[0]), [lambda: nn.LSTM(F, F // 2, batch_first=True, bidirectional=True),
             lambda: nn.LSTM(F, F, batch_first=True)], FLAT),
    "flattened": (lambda n, x, mask: scores(n, x, mask).flatten(0, 1), [], lambda o, y: functional.cross_entropy(o, y.flatten())),
    "mean of all": (lambda n, x, mask: n.head(n.e(x) + (0 if mask else n.e(x).mean(1, keepdim=True))), [], FLAT),
}  # fmt: skip


def program(kind, mask, batch=(X, Y)):
    body, layers, loss = PAIRS[kind]
    net = Net(lambda n, x: body(n, x, mask), *(layer() for layer in layers))
    return Subject(net, loss, None, batch, batch=batch)


def seen(subject):
    return ([None, *TimeCard.measure(subject)])[-1]


@pytest.mark.parametrize("kind", PAIRS)
def test_every_way_to_see_the_future_and_its_sound_twin(kind):
    assert seen(program(kind, mask=False)).leaks
    sound = seen(program(kind, mask=True))
    assert not sound.leaks and sound.seen == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in PAIRS if kind != "mean of all"])
def test_the_cure_closes_the_way(kind):
    subject = causal(program(kind, mask=False))
    cured = dataclasses.replace(subject, model=Around(subject.model, subject.around), around=())
    assert not seen(cured).leaks


class Around(nn.Module):
    """A model in its contexts, as a run enters them."""

    def __init__(self, model, contexts):
        super().__init__()
        self.model, self.contexts = model, contexts

    def forward(self, x):
        import contextlib

        with contextlib.ExitStack() as stack:
            for context in self.contexts:
                stack.enter_context(context())
            return self.model(x)


def test_the_layer_that_lets_it_in():
    assert (seen(program("lstm", False)).module, seen(program("lstm", False)).layer) == ("more.0", "LSTM")
    assert seen(program("conv", False)).layer == "Conv1d" and seen(program("scores", False)).module == ""


def test_time_first_and_real_values():
    swap = lambda t: t.transpose(0, 1).contiguous()  # noqa: E731
    for both, leaks in ((True, True), (False, False)):
        memory = nn.GRU(F, F // 2 if both else F, bidirectional=both)
        net = Net(lambda n, x: n.q(n.more[0](x)[0]), memory)
        batch = swap(WAVES[:, :-1]), swap(WAVES[:, 1:])
        assert seen(Subject(net, nn.MSELoss(), None, batch, batch=batch)).leaks is leaks


NOT_ASKED = {
    "tagger": (X, (X * 7) % 20),
    "autoencoder": (X, X),
    "one answer": (X, Y[:, -1:].expand(-1, T)),
    "all the same": (torch.ones_like(X), torch.ones_like(X)),
    "backwards": (Y, X),
}


@pytest.mark.parametrize("kind", NOT_ASKED)
def test_programs_that_do_not_predict_their_next_input_are_not_asked(kind):
    assert seen(program("scores", False, NOT_ASKED[kind])) is None


def test_left_out_targets_and_the_shift_inside_a_model_that_keeps_its_own_loss():
    from transformers import BertConfig, BertForMaskedLM, BertLMHeadModel, GPT2Config, GPT2LMHeadModel

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 20}
    labels = CODES.masked_fill(torch.arange(T + 1) < 2, -100)
    batch = {"input_ids": CODES, "labels": labels}
    gpt = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=16, n_layer=1, n_head=2, n_positions=16))
    assert not seen(Subject(gpt, None, None, [batch], batch=batch)).leaks
    assert not seen(Subject(BertLMHeadModel(BertConfig(**small, is_decoder=True)), None, None, [batch], batch=batch)).leaks
    assert seen(Subject(BertForMaskedLM(BertConfig(**small)), None, None, [batch], batch=batch)) is None


def test_which_steps_are_asked_about():
    (shifted,) = next_steps(X, [Y])
    assert (shifted.axis, shifted.length, shifted.steps) == (1, T, (3, T - 1))
    for step in shifted.steps:
        differs = (shifted.changed_at(step) != X).nonzero().tolist()
        assert differs == [[shifted.row, step]]
    partly = Y.clone()
    partly[1:] = -100
    assert [(s.row, s.steps) for s in next_steps(X, [partly])] == [] and list(next_steps(X[:, :3], [Y[:, :3]])) == []
