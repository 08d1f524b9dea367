"""Exceptions of many kinds, really raised: what their tracebacks tell, and the program that is made of them."""

from __future__ import annotations

import functools
import gc
import importlib.util
import logging
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

from dldebug_magics.engine.call import loss_of
from dldebug_magics.instruments.post_mortem import Phase, failure_of
from dldebug_magics.instruments.post_mortem.rebuilt import subject_of, subject_of_error


class Net(nn.Module):
    """Its second layer wants what the first doesn't give."""

    def __init__(self, wrong=True):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(7 if wrong else 8, 3))

    def forward(self, x, mask=None, *, scale=1.0):
        x = x * scale
        return self.body(x)


class WithLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x, labels):
        return F.cross_entropy(self.head(x), labels)


class MyLoss(nn.Module):
    def forward(self, output, target):
        return (output - target).square().mean()


class Ragged(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.zeros(index + 1)


class Trainer:
    def __init__(self):
        self.net, self.criterion = Net(wrong=False), nn.CrossEntropyLoss()

    def fit(self, x, y):
        return self.criterion(self.net(x), y)


net, good, with_loss, trainer = Net(), nn.Linear(4, 3), WithLoss(), Trainer()
criterion, my_criterion = nn.CrossEntropyLoss(label_smoothing=0.1), MyLoss()
x, y, late = torch.randn(5, 4), torch.full((5,), 2), torch.full((5,), 3)


def squared_loss(output, target, power=2):
    return ((output - target) ** power).mean()


def stepped(closure):
    torch.optim.LBFGS(good.parameters()).step(closure)


def reraised():
    try:
        net(x)
    except RuntimeError:
        raise


def raised_from():
    try:
        net(x, mask=y)
    except RuntimeError as error:
        raise KeyError("epoch 3") from error


def raised_instead():
    try:
        net(x, mask=y)
    except RuntimeError:
        raise ValueError("training failed")  # noqa: B904


def in_a_thread():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: net(x)).result()


def hooked():
    other = Net()
    other.register_forward_hook(lambda *_: None, always_call=True)
    other.body[2].register_full_backward_hook(lambda *_: None)
    other(x)


def bare(model):
    return model.forward(x)


def error_of(program):
    with pytest.raises(BaseException) as caught:
        program()
    return caught.value


FORWARD = {  # the program; the innermost module; the user's word for the model; how often it is called with which arguments
    "a net": (lambda: net(x), "body.2", "net", 1, []),
    "by keyword": (lambda: net(x, mask=y, scale=2.0), "body.2", "net", 1, ["mask", "scale"]),
    "everything by keyword": (lambda: net(mask=None, x=x), "body.2", "net", 0, ["mask", "x"]),
    "a layer alone": (lambda: good(x[:, :3]), "", "good", 1, []),
    "too many arguments": (lambda: net(x, y, y), "", "net", 3, []),
    "too few arguments": (lambda: net(), "", "net", 0, []),
    "no tensor": (lambda: good([1.0, 2.0]), "", "good", 1, []),
    "a dtype": (lambda: net(x.double()), "body.0", "net", 1, []),
    "held by an object": (lambda: trainer.fit(x[:, :3], y), "body.0", "self.net", 1, []),
    "raised again": (reraised, "body.2", "net", 1, []),
    "raised from": (raised_from, "body.2", "net", 1, ["mask"]),
    "raised instead": (raised_instead, "body.2", "net", 1, ["mask"]),
    "in a thread": (in_a_thread, "body.2", "net", 1, []),
    "with hooks": (hooked, "body.2", "other", 1, []),
    "in a closure": (lambda: stepped(lambda: net(x).sum()), "body.2", "net", 1, []),
    "two at once": (lambda: nn.Sequential(nn.Identity(), net)(x), "1.body.2", "", 1, []),
    "without a call": (lambda: bare(good.requires_grad_()) + bare(net), "2", "self.body", 1, []),
}


@pytest.mark.parametrize("name", FORWARD)
def test_a_failed_forward_pass(name):
    program, inside, word, count, keywords = FORWARD[name]
    error = error_of(program)
    failure = failure_of(error)
    assert failure.phase is Phase.FORWARD and failure.is_ours and failure.by_torch
    assert (failure.inside, failure.call.name, len(failure.call.arguments)) == (inside, word, count)
    assert sorted(failure.call.keywords) == keywords and failure.call.exact
    assert failure.line.place.startswith("test_post_mortem.py, line ") and failure.line.source
    assert failure.kind == ("Net" if "arguments" in name else "Linear") and not failure.unseen


LOSS = {  # the program; the user's word for the loss; how many targets
    "a module": (lambda: criterion(good(x), y[:3]), "criterion", 1),
    "a label too high": (lambda: criterion(good(x), late), "criterion", 1),
    "by keyword": (lambda: criterion(target=late, input=good(x)), "criterion", 1),
    "a function of torch's": (lambda: F.cross_entropy(good(x), late), "F.cross_entropy", 1),
    "with options": (lambda: F.cross_entropy(good(x), y, weight=torch.ones(2), reduction="sum"), "F.cross_entropy", 1),
    "binary": (lambda: F.binary_cross_entropy(good(x), torch.zeros(5, 3)), "F.binary_cross_entropy", 1),
    "a module of the user's": (lambda: my_criterion(good(x), x), "my_criterion", 1),
    "a function of the user's": (lambda: squared_loss(good(x), x), "squared_loss", 1),
    "with a power": (lambda: squared_loss(good(x), x, power=3), "squared_loss", 1),
    "a triplet": (lambda: F.triplet_margin_loss(good(x), x, x), "F.triplet_margin_loss", 2),
    "held by an object": (lambda: trainer.fit(x, late), "self.criterion", 1),
    "in a closure": (lambda: stepped(lambda: criterion(good(x), late)), "criterion", 1),
}


@pytest.mark.parametrize("name", LOSS)
def test_a_failed_loss(name):
    program, word, targets = LOSS[name]
    error = error_of(program)
    failure = failure_of(error)
    assert failure.phase is Phase.LOSS and failure.call is None and failure.loss.name == word and failure.by_torch
    subject = subject_of_error(error)
    assert subject.names == {"loss_fn": word} and len(subject.batch.targets) == targets
    assert subject.batch.positional[0].is_leaf and subject.batch.positional[0].requires_grad
    again = error_of(lambda: loss_of(subject))
    assert (type(again), str(again)) == (type(error), str(error))


@pytest.mark.parametrize("name", FORWARD)
def test_the_failed_call_fails_again_and_its_arguments_are_copies(name):
    error = error_of(FORWARD[name][0])
    failure = failure_of(error)
    subject = subject_of(failure)
    again = error_of(lambda: loss_of(subject))
    assert (type(again), str(again)) == (type(failure.error), str(failure.error))
    theirs = {t.data_ptr() for t in (*failure.call.arguments, *failure.call.keywords.values()) if isinstance(t, torch.Tensor)}
    ours = [t for t in (*subject.batch.positional, *subject.batch.keywords.values()) if isinstance(t, torch.Tensor)]
    assert subject.model is failure.call.what and not theirs & {t.data_ptr() for t in ours}


def test_a_loss_within_the_model_is_a_loss_and_the_model_is_what_is_looked_at():
    failure = failure_of(error_of(lambda: with_loss(x, labels=late)))
    assert failure.phase is Phase.LOSS and failure.loss.name == "F.cross_entropy" and failure.call.what is with_loss
    assert subject_of(failure).model is with_loss and subject_of(failure).loss_fn is None


def test_arguments_with_a_graph_are_copied_without_it():
    hidden = good(x)
    subject = subject_of_error(error_of(lambda: net.body(hidden)))
    (given,) = subject.batch.positional
    assert given.is_leaf and given.requires_grad and torch.equal(given, hidden) and hidden.grad_fn is not None


def test_arguments_that_were_assigned_to_are_no_arguments():
    class Assigns(nn.Module):
        def forward(self, x):
            x = x.flatten()
            return x @ torch.ones(3)

    failure = failure_of(error_of(lambda: bare(Assigns())))
    assert failure.phase is Phase.FORWARD and not failure.call.exact and subject_of(failure) is None


def test_what_cannot_be_copied_is_not_looked_at():
    class Given(nn.Module):
        def forward(self, x, generator):
            return x @ x

    assert subject_of_error(error_of(lambda: Given()(x, (i for i in range(3))))) is None


def scalar():
    loss = good(x)
    loss.backward()


def twice():
    total = good(x).sum()
    total.backward()
    total.backward()


def in_place():
    hidden = good(x).exp()
    result = hidden.sum()
    hidden += 1
    torch.autograd.backward([result])


def no_graph():
    torch.autograd.grad(x.sum(), x)


@pytest.mark.parametrize(("program", "word"), [(scalar, "loss"), (twice, "total"), (in_place, "result"), (no_graph, "")])
def test_a_failed_backward_pass(program, word):
    error = error_of(program)
    failure = failure_of(error)
    assert failure.phase is Phase.BACKWARD and failure.by_torch and failure.name == word
    assert isinstance(failure.tensor, torch.Tensor) and subject_of(failure) is None


def test_a_forward_pass_made_anew_by_a_backward_one_is_part_of_that():
    times = []

    def fails_later(hidden):
        times.append(1)
        return good(hidden if len(times) == 1 else hidden[:, :2])

    given = x.clone().requires_grad_()
    result = checkpoint(fails_later, given, use_reentrant=False).sum()
    assert failure_of(error_of(result.backward)).phase is Phase.BACKWARD


def test_a_failed_step():
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    layer.weight.data = torch.zeros(2, 3)
    layer.weight.grad = torch.zeros(2, 3)
    failure = failure_of(error_of(optimizer.step))
    assert failure.phase is Phase.STEP and failure.by_torch and subject_of(failure) is None
    assert failure_of(error_of(lambda: torch.optim.LBFGS(layer.parameters()).step())).phase is Phase.STEP


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_that_fails_is_not_ours(workers):
    failure = failure_of(error_of(lambda: list(DataLoader(Ragged(), batch_size=2, num_workers=workers))))
    assert failure.phase is Phase.DATA and not failure.is_ours and subject_of(failure) is None


def test_a_model_in_a_dataset_is_data_loading():
    class Encoded(Ragged):
        def __getitem__(self, index):
            return net(x)

    assert failure_of(error_of(lambda: list(DataLoader(Encoded())))).phase is Phase.DATA


def handler_with_an_accident():
    try:
        net(x)
    except RuntimeError:
        undefined  # noqa: B018, F821


def hidden_on_purpose():
    try:
        net(x)
    except RuntimeError:
        raise ValueError("nothing to see") from None


def stopped():
    try:
        net(x)
    except RuntimeError as error:
        raise KeyboardInterrupt from error


def of_scikit_learn():
    from sklearn.linear_model import LinearRegression

    LinearRegression().fit([[1.0]], [1.0, 2.0])


OTHERS = {
    "a name": lambda: undefined,  # noqa: F821
    "a number": lambda: 1 / 0,
    "no model": lambda: x @ x,
    "the stop button": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    "the end": lambda: sys.exit(1),
    "a handler's own": handler_with_an_accident,
    "hidden": hidden_on_purpose,
    "stopped while failing": stopped,
    "of scikit-learn": of_scikit_learn,
    "a schedule": lambda: torch.optim.lr_scheduler.StepLR(None, 1),
}


@pytest.mark.parametrize("name", OTHERS)
def test_not_ours(name):
    error = error_of(OTHERS[name])
    failure = failure_of(error)
    assert failure.phase is Phase.OTHER and not failure.is_ours and failure.error is error and subject_of(failure) is None


class Refuses(nn.Module):
    def __init__(self, program):
        super().__init__()
        self.program = program

    def forward(self, given):
        return self.program(given)


def refuse(given):
    raise RuntimeError("only pictures")


@pytest.mark.parametrize(
    ("program", "torchs"),
    [
        (refuse, False),
        (lambda given: undefined, False),  # noqa: F821
        (lambda given: {}["key"], False),
        (lambda given: [1][3], False),
        (lambda given: given.shape[0] + "3", False),
        (lambda given: given.no_such_thing, False),
        (lambda given: given @ given, True),
        (lambda given: given[7], True),
        (lambda given: given.sum(dim=4), True),
        (lambda given: torch.cat([given, 3]), True),
        (lambda given: given.view(7, 7), True),
        (lambda given: given(3), True),
    ],
)
def test_whose_exception_it_is_within_a_forward_pass(program, torchs):
    failure = failure_of(error_of(lambda: Refuses(program)(x)))
    assert failure.phase is Phase.FORWARD and failure.by_torch is torchs


def test_a_compiled_model_says_what_it_hides():
    torch._logging.set_logs(all=logging.CRITICAL)
    fast = torch.compile(Net(), backend="eager")
    failure = failure_of(error_of(lambda: fast(x)))
    torch._logging.set_logs()
    assert failure.phase is Phase.FORWARD and failure.unseen and "compiled" in failure.unseen[0]
    assert type(failure.call.what) is Net and failure.call.name == "fast"
    assert isinstance(error_of(lambda: loss_of(subject_of(failure))), RuntimeError)


def test_a_scripted_model_says_what_it_hides():
    scripted = torch.jit.trace(nn.Sequential(nn.Linear(4, 3)), x)
    failure = failure_of(error_of(lambda: scripted(x[:, :2])))
    assert failure.phase is Phase.FORWARD and "scripted" in failure.unseen[0] and failure.call.what is scripted


def test_a_model_in_a_file(tmp_path):
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\nclass Small(nn.Linear):\n    def forward(self, x):\n        return super().forward(x)\n"
    )
    spec = importlib.util.spec_from_file_location("nets", tmp_path / "nets.py")
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    small = nets.Small(3, 3)
    failure = failure_of(error_of(lambda: small(x)))
    assert (failure.line.place, failure.line.source) == ("nets.py, line 5", "return super().forward(x)")
    assert failure.call.name == "small" and failure.kind == "Small"


def test_an_exception_that_was_never_raised_tells_nothing():
    failure = failure_of(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert failure.phase is Phase.OTHER and not failure.by_torch and failure.line.place == ""


def test_nothing_is_changed_or_kept_alive():
    other, given = Net(), torch.randn(5, 4)
    error = error_of(functools.partial(other, given))
    before, kept = (type(error), str(error), error.__traceback__), [weakref.ref(other), weakref.ref(given)]
    failure = failure_of(error)
    assert (type(error), str(error), error.__traceback__) == before and failure.call.arguments[0] is given
    del other, given, failure, error, before
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
