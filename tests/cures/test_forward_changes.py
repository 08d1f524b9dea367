"""Cures that change the forward pass (dropout, scale, mode, graph, samples, edges of domains) against the program written that way."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.domain import family, guarded
from dldebug_magics.cures.gradient_flow import attached
from dldebug_magics.cures.inputs import standard, standardised
from dldebug_magics.cures.mode import training
from dldebug_magics.cures.regularisation import without_dropout
from dldebug_magics.cures.samples import one_at_a_time
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch.training import Training

torch.manual_seed(3)
X, Y, LONG = torch.randn(8, 6), torch.randn(8, 1), torch.randn(8, 5, 6)


class Net(nn.Module):
    """A trunk, and whatever is done with it."""

    def __init__(self, body, *layers):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.body = nn.Linear(6, 6), nn.Linear(6, 1), body
        self.more = nn.ModuleList(layer() for layer in layers)

    def forward(self, x):
        return self.body(self, x)


def losses(subject: Subject) -> list[float]:
    torch.manual_seed(0)
    run = Training(subject)
    seen = [loss for _, loss in zip(range(10), run, strict=False)]
    assert run.crash is None, run.crash.traceback
    return seen


def program(body, *layers, x=X, loss_fn=functional.mse_loss) -> Subject:
    net = Net(body, *layers)
    return Subject(net, loss_fn, torch.optim.SGD(net.parameters(), lr=0.05), (x, Y), batch=(x, Y))


def by_hand(body, *layers, x=X, loss_fn=functional.mse_loss, passes=lambda net, x: net(x)) -> list[float]:
    net, seen = Net(body, *layers), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(10):
        loss = loss_fn(passes(net, x), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def same(one, other) -> bool:
    return len(one) == len(other) == 10 and one == pytest.approx(other, rel=1e-5)


def recurrent(p):
    return lambda: nn.LSTM(6, 6, 2, batch_first=True, dropout=p)


def attention(p):
    return lambda: nn.MultiheadAttention(6, 2, dropout=p, batch_first=True)


def encoder(p):
    return lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=p, batch_first=True)


DROPPING = {
    "module": lambda p: (lambda n, x: n.b(n.more[0](torch.tanh(n.a(x)))), lambda: nn.Dropout(p)),
    "channels": lambda p: (lambda n, x: n.b(n.more[0](n.a(x)[:, :, None])[:, :, 0]), lambda: nn.Dropout1d(p)),
    "function": lambda p: (lambda n, x: n.b(functional.dropout(torch.tanh(n.a(x)), p, n.training)),),
    "torch.dropout": lambda p: (lambda n, x: n.b(torch.dropout(n.a(x), p, True)),),
    "alpha": lambda p: (lambda n, x: n.b(n.more[0](n.a(x))), lambda: nn.AlphaDropout(p)),
    "lstm": lambda p: (lambda n, x: n.b(n.more[0](x)[0][:, -1]), recurrent(p)),
    "attention": lambda p: (lambda n, x: n.b(n.more[0](x, x, x)[0][:, -1]), attention(p)),
    "transformer": lambda p: (lambda n, x: n.b(n.more[0](x)[:, -1]), encoder(p)),
    "scaled product": lambda p: (lambda n, x: n.b(functional.scaled_dot_product_attention(n.a(x), x, x, dropout_p=p)[:, -1]),),
}


@pytest.mark.parametrize("kind", DROPPING)
def test_no_dropout_anywhere(kind):
    x = X if kind in ("module", "channels", "function", "torch.dropout", "alpha") else LONG
    dropped, kept = (DROPPING[kind](p) for p in (0.5, 0.0))
    assert same(losses(without_dropout(program(*dropped, x=x))), by_hand(*kept, x=x))
    assert not same(losses(program(*dropped, x=x)), by_hand(*kept, x=x)), "the comparison can fail"


def test_each_column_of_a_table_on_one_scale():
    wild = torch.cat([X * 100 + 50, torch.full((8, 1), 7.0)], 1)[:, 1:]
    columns = [column.tolist() for column in wild.t()]
    expected = []
    for column in columns:
        mean = sum(column) / 8
        spread = math.sqrt(sum((v - mean) ** 2 for v in column) / 8)
        expected.append([(v - mean) / (spread or 1.0) for v in column])
    assert torch.allclose(standard(wild), torch.tensor(expected).t(), atol=1e-4)
    body = lambda n, x: n.b(torch.tanh(n.a(x)))  # noqa: E731
    assert same(losses(standardised(program(body, x=wild))), by_hand(body, x=torch.tensor(expected).t()))


def test_a_picture_is_scaled_as_a_whole_and_what_is_no_real_number_is_left():
    pictures, numbers = torch.rand(4, 3, 5, 5) * 255, torch.arange(8).reshape(8, 1)
    scaled = standard(pictures)
    assert abs(float(scaled.mean())) < 1e-4 and float(scaled.std(unbiased=False)) == pytest.approx(1.0, abs=1e-4)
    assert torch.allclose(scaled * pictures.std(unbiased=False) + pictures.mean(), pictures, atol=1e-2)
    subject = Subject(nn.Embedding(9, 1), functional.mse_loss, None, (numbers, Y), batch=(numbers, Y))
    assert torch.equal(standardised(subject).batch[0], numbers) and torch.equal(standardised(subject).batch[1], Y)


def test_training_mode():
    body = lambda n, x: n.b(n.more[0](n.a(x)))  # noqa: E731
    subject = program(body, lambda: nn.BatchNorm1d(6))
    subject.model.eval()
    assert same(losses(training(subject)), by_hand(body, lambda: nn.BatchNorm1d(6)))


def switched_off(n, x):
    with torch.no_grad():
        code = torch.tanh(n.a(x))
    return n.b(code)


CUT = {
    "detach": lambda n, x: n.b(torch.tanh(n.a(x)).detach()),
    "torch.detach": lambda n, x: n.b(torch.detach(torch.tanh(n.a(x)))),
    "in place": lambda n, x: n.b(torch.tanh(n.a(x)).detach_()),
    "data": lambda n, x: n.b(torch.tanh(n.a(x)).data),
    "no_grad": switched_off,
    "no_grad as a decorator": lambda n, x: n.b(torch.no_grad()(lambda: torch.tanh(n.a(x)))()),
    "twice": lambda n, x: n.b(torch.no_grad()(lambda: torch.tanh(n.a(x).detach()).data)()),
}


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_the_graph_kept_whole(cut):
    whole = lambda n, x: n.b(torch.tanh(n.a(x)))  # noqa: E731
    assert same(losses(attached(program(cut))), by_hand(whole))
    assert not same(losses(program(cut)), by_hand(whole))


@pytest.mark.parametrize("output", ["tensor", "loss"])
def test_one_at_a_time(output):
    mixing = lambda n, x: n.b(torch.tanh(n.a(x)) * torch.softmax(n.a(x), 0))  # noqa: E731
    each = lambda net, x: torch.cat([net(x[i : i + 1]) for i in range(len(x))])  # noqa: E731
    if output == "tensor":
        assert same(losses(one_at_a_time(program(mixing))), by_hand(mixing, passes=each))
    wrapped = one_at_a_time(program(lambda n, x: {"a": mixing(n, x), "b": (x.sum(1), n.a(x).mean())})).model
    given = wrapped(X)
    assert torch.allclose(given["a"], each(program(mixing).model, X)) and torch.allclose(given["b"][0], X.sum(1))
    assert given["b"][1].item() == pytest.approx(wrapped.model.a(X).mean().item(), rel=1e-4)


EDGE = 1e-6
EDGES = {
    "log": (lambda h: torch.log(h.relu()), lambda h: torch.log(h.relu().clamp(min=EDGE))),
    "log2": (lambda h: h.relu().log2(), lambda h: h.relu().clamp(min=EDGE).log2()),
    "sqrt": (lambda h: h.relu().sqrt(), lambda h: h.relu().clamp(min=EDGE).sqrt()),
    "rsqrt": (lambda h: h.relu().rsqrt(), lambda h: h.relu().clamp(min=EDGE).rsqrt()),
    "div": (lambda h: h / h.relu(), lambda h: h / torch.where(h > EDGE, h, torch.tensor(EDGE))),
    "reciprocal": (lambda h: 1 / h.relu(), lambda h: 1 / torch.where(h > EDGE, h, torch.tensor(EDGE))),
    "norm": (lambda h: h.relu().norm(dim=1), lambda h: h.relu().clamp(min=EDGE).square().sum(1).sqrt()),
    "exp": (lambda h: torch.exp(h * 1000), lambda h: torch.exp((h * 1000).clamp(max=80))),
    "pow": (lambda h: h.relu() ** 0.5, lambda h: h.relu().clamp(min=EDGE) ** 0.5),
}


@pytest.mark.parametrize("operation", EDGES)
def test_an_operation_kept_off_the_edge_of_its_domain(operation):
    """Value and gradient are those of the guard written by hand; off the edge nothing changes."""
    raw, safe = EDGES[operation]
    results = []
    for body, cure in ((raw, guarded(operation)), (safe, lambda s: s)):
        subject = cure(program(lambda n, x, body=body: body(n.a(x)), loss_fn=lambda o, t: o.mean()))
        loss = loss_of(subject).loss
        results.append((loss.item(), torch.autograd.grad(loss, subject.model.a.weight)[0]))
    assert math.isfinite(results[0][0]) and results[0][0] == pytest.approx(results[1][0], rel=1e-4)
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", [lambda o, t: ((o - t) ** 2).mean().sqrt(), lambda o, t: torch.pow(o - t, 2).mean().sqrt()])
def test_a_guarded_root_leaves_squares_of_negative_numbers_alone(loss):
    subject = program(lambda n, x: n.b(n.a(x)), loss_fn=loss)
    assert loss_of(guarded("sqrt")(subject)).loss.item() == pytest.approx(loss_of(subject).loss.item())


@pytest.mark.parametrize(("name", "kind"), [("log", "log"), ("log_", "log"), ("linalg_vector_norm", "norm"), ("div", "div"), ("mm", "")])
def test_families(name, kind):
    assert family(name) == kind
