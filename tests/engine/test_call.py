"""What goes into the model, what into the loss, and what comes out: against the training loops that people write by hand."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_sequence

from dldebug_magics.engine.call import Passed, forward, loss_of, own_loss, split
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.graph import leaves, nodes
from dldebug_magics.engine.subject import Subject

A, B, C, Y, W = (torch.full((4, 2), float(n)) for n in range(5))
PACKED = pack_sequence([A])


def model_of(signature: str) -> nn.Module:
    """A model whose forward has that signature, and that returns what it was given."""
    scope: dict[str, Any] = {"nn": nn, "dict": dict}
    exec(f"class Net(nn.Module):\n    def forward(self, {signature}):\n        return locals()", scope)
    return scope["Net"]()


def loss_of_two(output, target):
    return (output - target).square().mean()


def weighted(output, target, weight):
    return ((output - target).square() * weight).mean()


def perhaps_weighted(output, target, weight=None):
    return loss_of_two(output, target)


def smoothed(output, target, smoothing=0.1):
    return loss_of_two(output, target)


def two_tasks(output, first, second):
    return output.sum()


def alone(output):
    return output.mean()


class Named(NamedTuple):
    """Label first, as some libraries have it."""

    label: Tensor
    text: Tensor


class Pair(NamedTuple):
    """No label by name."""

    left: Tensor
    right: Tensor


@dataclasses.dataclass
class Sample:
    """A batch with names."""

    image: Tensor
    target: Tensor
    note: str = "n"


CE = nn.CrossEntropyLoss()
BATCHES = {  # forward's signature, loss, batch -> positional, keywords, targets
    "x y": ("x", CE, (A, Y), ((A,), {}, (Y,))),
    "a list": ("x", CE, [A, Y], ((A,), {}, (Y,))),
    "a loss function": ("x", functional.cross_entropy, (A, Y), ((A,), {}, (Y,))),
    "a partial loss": ("x", functools.partial(functional.cross_entropy, label_smoothing=0.1), (A, Y), ((A,), {}, (Y,))),
    "a lambda": ("x", lambda o, t: o.sum(), (A, Y), ((A,), {}, (Y,))),
    "any arguments": ("x", lambda *parts: parts[0].sum(), (A, Y), ((A,), {}, (Y,))),
    "two inputs": ("a, b", CE, (A, B, Y), ((A, B), {}, (Y,))),
    "two inputs in a tuple": ("a, b", CE, ((A, B), Y), ((A, B), {}, (Y,))),
    "two inputs in a tuple, and an index": ("a, b", CE, ((A, B), Y, W), ((A, B), {}, (Y,))),
    "two inputs in a dict": ("a, b=None", CE, ({"a": A, "b": B}, Y), ((), {"a": A, "b": B}, (Y,))),
    "one input that is a tuple": ("pair", CE, ((A, B), Y), (((A, B),), {}, (Y,))),
    "three inputs": ("a, b, c", CE, (A, B, C, Y), ((A, B, C), {}, (Y,))),
    "an optional input, not given": ("x, state=None", CE, (A, Y), ((A,), {}, (Y,))),
    "an optional input, given": ("x, mask=None", CE, (A, B, Y), ((A, B), {}, (Y,))),
    "any inputs": ("*inputs", CE, (A, B, Y), ((A, B), {}, (Y,))),
    "x y weight": ("x", weighted, (A, Y, W), ((A,), {}, (Y, W))),
    "x y weight, with a default": ("x", perhaps_weighted, (A, Y, W), ((A,), {}, (Y, W))),
    "x y, weight left out": ("x", perhaps_weighted, (A, Y), ((A,), {}, (Y,))),
    "two inputs and a weight": ("a, b", weighted, (A, B, Y, W), ((A, B), {}, (Y, W))),
    "an index that nobody asks for": ("x", CE, (A, Y, W), ((A,), {}, (Y,))),
    "an index and a loss with a setting": ("x", smoothed, (A, Y, W), ((A,), {}, (Y,))),
    "two targets": ("x", two_tasks, (A, Y, W), ((A,), {}, (Y, W))),
    "two targets in a tuple": ("x", two_tasks, (A, (Y, W)), ((A,), {}, (Y, W))),
    "a target that is a tuple": ("x", loss_of_two, (A, (Y, W)), ((A,), {}, ((Y, W),))),
    "a teacher that forces": ("source, target", CE, (A, Y), ((A, Y), {}, (Y,))),
    "an autoencoder": ("x", nn.MSELoss(), A, ((A,), {}, (A,))),
    "an autoencoder in a tuple": ("x", nn.MSELoss(), (A,), ((A,), {}, (A,))),
    "an autoencoder in a dict": ("x", nn.MSELoss(), {"x": A}, ((), {"x": A}, (A,))),
    "a loss of one argument": ("x", alone, A, ((A,), {}, ())),
    "a loss of one argument, labelled": ("x", alone, (A, Y), ((A,), {}, ())),
    "a packed sequence": ("x", alone, PACKED, ((PACKED,), {}, ())),
    "a packed sequence and labels": ("x", CE, (PACKED, Y), ((PACKED,), {}, (Y,))),
    "no loss: all is input": ("x, y", None, (A, Y), ((A, Y), {}, ())),
    "a dict": ("image", CE, {"image": A, "label": Y}, ((), {"image": A}, (Y,))),
    "a dict with more": ("image", CE, {"image": A, "label": Y, "id": W}, ((), {"image": A}, (Y,))),
    "a dict for a model that names it otherwise": ("x", CE, {"image": A, "label": Y}, ((A,), {}, (Y,))),
    "a dict without a label": ("image", CE, {"image": A, "mask": Y}, ((), {"image": A}, (Y,))),
    "a dict without known names": ("x", CE, {"image": A, "mask": Y}, ((A,), {}, (Y,))),
    "a dict and no loss": ("ids, labels=None", None, {"ids": A, "labels": Y}, ((), {"ids": A, "labels": Y}, ())),
    "a dict for anything": ("**batch", CE, {"ids": A, "labels": Y}, ((), {"ids": A}, (Y,))),
    "a label that the model needs, too": ("ids, labels", CE, {"ids": A, "labels": Y}, ((), {"ids": A, "labels": Y}, (Y,))),
    "a named tuple with a label": ("text", CE, Named(Y, A), ((), {"text": A}, (Y,))),
    "a named tuple without": ("left, right", alone, Pair(A, B), ((A, B), {}, ())),
    "a dataclass": ("image", CE, Sample(A, Y), ((), {"image": A}, (Y,))),
}  # fmt: skip


@pytest.mark.parametrize("kind", BATCHES)
def test_parts_of_a_batch_go_where_a_loop_would_send_them(kind):
    signature, loss, batch, expected = BATCHES[kind]
    found = split(Subject(model_of(signature), loss), batch)
    assert _ids(found) == _ids(expected)


def _ids(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {key: id(value) for key, value in thing.items()}
    return tuple(map(_ids, thing)) if type(thing) is tuple else id(thing)


@pytest.mark.parametrize("signature", ["batch", "data", "x: dict", "x: 'dict[str, object]'"])
def test_a_model_that_takes_the_batch_as_it_is_gets_it_whole(signature):
    batch = {"image": A, "label": Y}
    arguments, keywords, targets = split(Subject(model_of(signature), CE), batch)
    assert arguments[0] is batch and not keywords and targets[0] is Y


class Compiled(nn.Module):
    """What `torch.compile` returns, in its form."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self._orig_mod = net

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)


@pytest.mark.parametrize("wrap", [Compiled, nn.DataParallel, lambda net: Compiled(nn.DataParallel(net))])
def test_a_wrapped_model_is_asked_for_what_it_wraps(wrap):
    net = wrap(model_of("a, b"))
    assert len(split(Subject(net, CE), (A, B, Y))[0]) == 2 and len(split(Subject(net, CE), ((A, B), Y))[0]) == 2


def test_a_signature_that_is_known_does_not_keep_the_model_alive():
    import gc
    import weakref

    net = model_of("x")
    split(Subject(net, CE), (A, Y))
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


LINEAR = nn.Linear(2, 2)


def test_a_pass_is_what_the_loop_does():
    passed = loss_of(Subject(LINEAR, nn.MSELoss(), batch=(A, Y)))
    assert isinstance(passed, Passed) and torch.equal(passed.output, LINEAR(A)) and torch.equal(passed.targets[0], Y)
    assert passed.loss.ndim == 0 and torch.equal(passed.loss, functional.mse_loss(LINEAR(A), Y))


class _Own(nn.Module):
    """Returns its loss in one of the usual forms."""

    def __init__(self, form: str):
        super().__init__()
        self.form, self.w = form, nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Any:
        loss = (self.w * x).mean()
        return {
            "scalar": loss, "vector of one": loss[None], "dict": {"loss": loss, "logits": x}, "object": Answer(x, loss),
            "logits and loss": (x, loss), "loss and logits": (loss, x),
        }[self.form]  # fmt: skip


@dataclasses.dataclass
class Answer:
    """A model's output with its loss."""

    logits: Tensor
    loss: Tensor


@pytest.mark.parametrize("form", ["scalar", "vector of one", "dict", "object", "logits and loss", "loss and logits"])
def test_a_model_may_keep_its_own_loss(form):
    net = _Own(form)
    loss = loss_of(Subject(net, batch=B)).loss
    assert loss.shape == () and leaves(loss) == [net.w]


def test_no_loss_anywhere_is_said_in_one_line():
    for output in (torch.zeros(3), (torch.zeros(2), torch.zeros(3)), {"logits": A}, None, "text"):
        assert own_loss(output) is None
    with pytest.raises(UserMistake, match=r"no loss_fn, and `net` returns no scalar `loss`"):
        loss_of(Subject(LINEAR, batch=A, names={"model": "net"}))


@pytest.mark.parametrize("returned, said", [(None, "None"), (3.0, "a float"), (torch.zeros(3), r"shape \(3,\)")])
def test_a_loss_that_is_no_number_in_a_tensor_is_said_in_one_line(returned, said):
    with pytest.raises(UserMistake, match=said):
        loss_of(Subject(LINEAR, lambda output, y: returned, batch=(A, Y)))
    with pytest.raises(UserMistake, match=f"`step` returned.*{said}"):
        loss_of(Subject(LINEAR, step=lambda batch: returned, batch=A))


def test_writing_to_the_input_does_not_spoil_the_frozen_batch():
    net = nn.Sequential(nn.ReLU(inplace=True), LINEAR)
    batch = (torch.randn(4, 2), torch.zeros(4, 2))
    before = batch[0].clone()
    losses = [loss_of(Subject(net, nn.MSELoss(), batch=batch)).loss.item() for _ in range(2)]
    forward(Subject(net, nn.MSELoss()), batch)
    assert losses[0] == losses[1] and torch.equal(batch[0], before)


def test_taking_things_out_of_a_dict_does_not_empty_the_frozen_batch():
    batch = {"x": A, "y": Y}
    subject = Subject(LINEAR, step=lambda b: functional.mse_loss(LINEAR(b.pop("x")), b.pop("y")), batch=batch)
    assert loss_of(subject).loss.item() == loss_of(subject).loss.item() and set(batch) == {"x", "y"}


def test_gradients_reach_a_batch_that_is_given():
    x = torch.ones(4, 2, requires_grad=True)
    loss_of(Subject(nn.Sequential(nn.ReLU(inplace=True), LINEAR), nn.MSELoss()), (x, Y)).loss.backward()
    assert x.grad is not None and float(x.grad.abs().sum()) > 0


def test_contexts_are_entered_around_every_pass_and_left_again():
    entered: list[str] = []

    @contextlib.contextmanager
    def watched():
        entered.append("in")
        yield
        entered.append("out")

    subject = Subject(LINEAR, nn.MSELoss(), batch=(A, Y), around=(watched,))
    loss_of(subject), loss_of(dataclasses.replace(subject, step=lambda batch: LINEAR(batch[0]).sum()))
    assert entered == ["in", "out"] * 2


def test_leaves_are_what_backward_gives_a_gradient():
    net, loose, frozen = nn.Linear(2, 2), torch.ones(2, requires_grad=True), nn.Linear(2, 2).requires_grad_(False)
    result = (frozen(net(A)) * loose).sum()
    found = {id(t) for t in leaves(result)}
    result.backward()
    given = {id(t) for t in [*net.parameters(), *frozen.parameters(), loose] if t.grad is not None}
    assert found == given == {id(net.weight), id(net.bias), id(loose)}


def test_a_function_of_ones_own_is_no_leaf_and_a_leaf_is_its_own():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.variable = "mine"
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    w = torch.ones(2, requires_grad=True)
    result = Double.apply(w).sum()
    assert [id(t) for t in leaves(result)] == [id(w)] and len(list(nodes(result))) == 3
    assert leaves(w)[0] is w and leaves(torch.zeros(1)) == []
