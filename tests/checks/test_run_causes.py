"""Causes of the stage `run` in other shapes than their examples, and programs that only look alike."""

from __future__ import annotations

import copy
import threading

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.evidence import Confidence
from dldebug_magics.engine.subject import Subject


def program(net, loss, *batch, optimizer=True, **more):
    steps = torch.optim.SGD(net.parameters(), lr=0.01) if optimizer and any(True for _ in net.parameters()) else None
    return Subject(net, loss, steps, batch, **more)


def asked(subject):
    torch.manual_seed(0)
    return list(ask("shape_trace", subject))[-1]


def rows(count=8, features=6):
    return torch.randn(count, features, generator=torch.Generator().manual_seed(1))


NUMBERS = torch.arange(8)


class Function(nn.Module):
    """A model whose forward pass is a function of the model and its inputs."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


class Locked(Function):
    """A model that can't be copied: it is lent as it is, under a snapshot."""

    def __init__(self, forward, **parts):
        super().__init__(forward, **parts)
        self.lock = threading.Lock()


def float_column_of_classes():
    return program(nn.Linear(6, 3), nn.CrossEntropyLoss(), rows(), (NUMBERS % 3).float()[:, None])


def labels_of_frames_in_a_column():
    net = nn.Sequential(nn.Conv1d(2, 4, 1), nn.LogSoftmax(1))
    return program(net, F.nll_loss, torch.randn(8, 2, 5), torch.randint(0, 4, (8, 1, 5)))


def booleans_for_bce():
    return program(nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)), nn.BCEWithLogitsLoss(), rows(), NUMBERS > 3)


def doubles_for_huber():
    return program(nn.Linear(6, 1), nn.HuberLoss(), rows(), torch.randn(8, 1, dtype=torch.float64))


def half_the_heads():
    def two_heads(net, x):
        hidden = torch.relu(net.body(x))
        return net.other(hidden).mean() + net.head(hidden)

    net = Function(two_heads, body=nn.Linear(6, 8), other=nn.Linear(8, 5), head=nn.Linear(8, 4))
    return program(net, lambda z, y: F.cross_entropy(z, y), rows(), NUMBERS)


def shares_of_other_classes():
    return program(nn.Sequential(nn.Linear(6, 4)), nn.CrossEntropyLoss(), rows(), torch.softmax(rows(8, 5), 1))


def own_step_a_loss_a_sample():
    net = nn.Linear(6, 1)
    return Subject(net, None, torch.optim.SGD(net.parameters(), lr=0.01), (rows(),), step=lambda batch: net(batch[0]).square())


def model_of_doubles():
    return program(nn.Linear(6, 3).double(), nn.CrossEntropyLoss(), rows(), NUMBERS % 3)


def mean_of_doubles_kept():
    net = Function(lambda net, x: net.head(x - net.mean), head=nn.Linear(6, 3))
    net.register_buffer("mean", torch.from_numpy(numpy.zeros(6)))
    return program(net, nn.CrossEntropyLoss(), rows(), NUMBERS % 3)


def doubles_in_a_matrix_product():
    net = Locked(lambda net, x: torch.matmul(x, net.weight), weight=nn.Parameter(torch.randn(6, 3)))
    return program(net, nn.CrossEntropyLoss(), rows().double(), NUMBERS % 3)


def doubles_in_a_dict():
    net = Function(lambda net, x: net.head(x), head=nn.GRU(6, 3, batch_first=True))
    return program(net, lambda out, y: F.mse_loss(out[0], y), torch.randn(4, 5, 6).double(), torch.randn(4, 5, 3).double())


def bytes_through_a_mean():
    net = Function(lambda net, x: net.head(x.mean((2, 3))), head=nn.Linear(3, 2))
    return program(net, nn.CrossEntropyLoss(), torch.randint(0, 256, (8, 3, 4, 4), dtype=torch.uint8), NUMBERS % 2)


def whole_numbers_of_a_table():
    return program(nn.Linear(6, 2), nn.CrossEntropyLoss(), torch.randint(0, 9, (8, 6)), NUMBERS % 2)


def list_of_masks_left_behind():
    net = Function(lambda net, x: net.head(x * net.masks[0]), head=nn.Linear(6, 2))
    net.masks = [torch.ones(6)]
    return program(net.to("meta"), nn.CrossEntropyLoss(), rows().to("meta"), (NUMBERS % 2).to("meta"))


def noise_made_elsewhere():
    net = Function(lambda net, x: net.head(x + torch.ones(6, device="cpu")), head=nn.Linear(6, 2))
    return program(net.to("meta"), nn.CrossEntropyLoss(), rows().to("meta"), (NUMBERS % 2).to("meta"))


def batch_as_the_program_gave_it():
    batch = rows(), NUMBERS % 2
    return Subject(nn.Linear(6, 2).to("meta"), nn.CrossEntropyLoss(), None, batch, batch=batch)


def noise_added_in_place():
    def noisy(net, x):
        hidden = torch.tanh(net.body(x))
        hidden.add_(0.1)
        return net.head(hidden)

    return program(Locked(noisy, body=nn.Linear(6, 8), head=nn.Linear(8, 2)), nn.CrossEntropyLoss(), rows(), NUMBERS % 2)


def weight_clipped_in_place():
    def clipped(net, x):
        net.head.weight.clamp_(-1, 1)
        return net.head(x)

    return program(Function(clipped, head=nn.Linear(6, 2)), nn.CrossEntropyLoss(), rows(), NUMBERS % 2)


def penalty_on_the_gradient():
    def penalised(net, x):
        x = x.clone().requires_grad_()
        score = net.head(torch.tanh(net.body(x)))
        net.slope = torch.autograd.grad(score.sum(), x)[0].detach().square().mean()
        return score + net.slope

    net = Function(penalised, body=nn.Linear(6, 8), head=nn.Linear(8, 1))
    return program(net, nn.MSELoss(), rows(), torch.randn(8, 1))


def memory_in_a_list():
    def remembering(net, x):
        net.memory.append(torch.tanh(net.body(x)))
        return net.head(sum(net.memory))

    net = Function(remembering, body=nn.Linear(6, 8), head=nn.Linear(8, 2))
    net.memory = []
    return program(net, nn.CrossEntropyLoss(), rows(), NUMBERS % 2)


def running_loss_in_a_closure():
    seen = {}

    def smoothed(output, target):
        seen["loss"] = 0.9 * seen.get("loss", 0.0) + 0.1 * F.mse_loss(output, target)
        return seen["loss"]

    return program(nn.Linear(6, 1), smoothed, rows(), torch.randn(8, 1))


def one_picture_in_training():
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 2))
    return program(net, nn.CrossEntropyLoss(), rows(1), NUMBERS[:1])


def integers_read_as_floats():
    data = torch.randint(0, 256, (8, 6), dtype=torch.int32).view(torch.float32)
    return program(nn.Linear(6, 2), nn.CrossEntropyLoss(), data, NUMBERS % 2)


def sum_of_short_integers():
    net = Function(lambda net, x: net.head((x + x).float() / 1e4), head=nn.Linear(6, 2))
    return program(net, nn.CrossEntropyLoss(), torch.full((8, 6), 20_000, dtype=torch.int16), NUMBERS % 2)


def mean_over_time_and_batch():
    def pooled(net, x):
        return net.head(torch.relu(net.body(x)).mean((0, 1)))

    return program(Function(pooled, body=nn.Linear(6, 8), head=nn.Linear(8, 2)), nn.CrossEntropyLoss(), torch.randn(8, 5, 6), NUMBERS % 2)


CAUSES = {
    float_column_of_classes: "labels_2d",
    labels_of_frames_in_a_column: "labels_2d",
    booleans_for_bce: "labels_wrong_dtype",
    doubles_for_huber: "labels_wrong_dtype",
    half_the_heads: "num_classes_mismatch",
    shares_of_other_classes: "num_classes_mismatch",
    own_step_a_loss_a_sample: "non_scalar_loss",
    model_of_doubles: "float64_input",
    mean_of_doubles_kept: "float64_input",
    doubles_in_a_matrix_product: "float64_input",
    doubles_in_a_dict: "float64_input",
    bytes_through_a_mean: "uint8_input",
    whole_numbers_of_a_table: "uint8_input",
    list_of_masks_left_behind: "device_mismatch",
    noise_made_elsewhere: "device_mismatch",
    batch_as_the_program_gave_it: "device_mismatch",
    noise_added_in_place: "inplace_autograd_error",
    weight_clipped_in_place: "inplace_autograd_error",
    penalty_on_the_gradient: "double_backward",
    memory_in_a_list: "double_backward",
    running_loss_in_a_closure: "double_backward",
    one_picture_in_training: "bn_batch_size_one",
    integers_read_as_floats: "disk_dtype_mismatch",
    sum_of_short_integers: "int_overflow_preprocess",
    mean_over_time_and_batch: "reduction_wrong_dim",
}


@pytest.mark.parametrize(("make", "cause"), CAUSES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_cause_is_heard_first_and_proven(make, cause):
    report = asked(make())
    assert [f.name for f in report.findings][:1] == [cause], report
    assert report.findings[0].confidence is Confidence.PROVEN
    assert report.experiment.passed or report.findings[0].cured.passed
    assert report.untouched, report.left_behind


class Inverted(Dataset):
    """Turns bytes over, and looks them up: nothing of that wraps."""

    def __init__(self):
        self.bytes, self.table = numpy.random.default_rng(0).integers(0, 256, (8, 6), dtype=numpy.uint8), numpy.arange(256) / 255

    def __len__(self):
        return 8

    def __getitem__(self, index):
        turned = self.table[self.bytes[index]] + (255 - self.bytes[index]) / 255.0 + ~self.bytes[index] / 255.0
        return torch.from_numpy(turned).float(), index % 2


def bytes_turned_over():
    net = nn.Linear(6, 2)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01), DataLoader(Inverted(), batch_size=8))


def additive_mask_of_the_smallest_number():
    def masked(net, x):
        rows, mask = x
        return net.head(torch.softmax(net.score(rows) + mask, 1))

    net = Function(masked, score=nn.Linear(6, 6), head=nn.Linear(6, 2))
    mask = torch.zeros(8, 6).masked_fill(rows() > 0.5, torch.finfo(torch.float32).min)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01), [((rows(), mask), NUMBERS % 2)])


def frozen_norm_behind_a_bias():
    net = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    net[1].eval()
    return program(net, nn.CrossEntropyLoss(), rows(), NUMBERS % 2)


def activation_between_bias_and_norm():
    net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2))
    return program(net, nn.CrossEntropyLoss(), rows(), NUMBERS % 2)


def one_row_left_over_for_layer_norm():
    net = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    train = DataLoader(TensorDataset(rows(9), torch.arange(9) % 2), batch_size=4)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01), train)


def one_map_left_over_for_batch_norm():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    train = DataLoader(TensorDataset(torch.randn(9, 1, 6, 6), torch.arange(9) % 2), batch_size=4)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01), train)


def penalty_with_its_graph():
    def penalised(net, x):
        x = x.clone().requires_grad_()
        score = net.head(torch.tanh(net.body(x)))
        return score + torch.autograd.grad(score.sum(), x, create_graph=True)[0].square().mean()

    return program(Function(penalised, body=nn.Linear(6, 8), head=nn.Linear(8, 1)), nn.MSELoss(), rows(), torch.randn(8, 1))


def all_of_it_in_doubles():
    return program(nn.Linear(6, 1).double(), nn.MSELoss(), rows().double(), torch.randn(8, 1).double())


def bytes_of_categories():
    net = nn.Sequential(nn.Embedding(256, 4), nn.Flatten(), nn.Linear(24, 2))
    return program(net, nn.CrossEntropyLoss(), torch.randint(0, 256, (8, 6), dtype=torch.int32), (NUMBERS % 2).to(torch.uint8))


def model_without_a_loss():
    return Subject(nn.Sequential(nn.Linear(6, 4), nn.ReLU(inplace=True), nn.Linear(4, 2)), None, None, (rows(),))


SOUND = [
    bytes_turned_over,
    additive_mask_of_the_smallest_number,
    frozen_norm_behind_a_bias,
    activation_between_bias_and_norm,
    one_row_left_over_for_layer_norm,
    one_map_left_over_for_batch_norm,
    penalty_with_its_graph,
    all_of_it_in_doubles,
    bytes_of_categories,
    model_without_a_loss,
]


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_nothing_is_said_of_what_only_looks_alike(make):
    report = asked(make())
    assert report.ok and not report.findings, report
    assert not report.not_examined
    assert report.untouched, report.left_behind


def test_a_note_says_that_batches_have_to_be_moved():
    loader = DataLoader(TensorDataset(rows(), NUMBERS % 2), batch_size=4)
    report = asked(Subject(nn.Linear(6, 2).to("meta"), nn.CrossEntropyLoss(), None, loader))
    assert [f.name for f in report.findings] == ["device_mismatch"] and not report.alarms


def test_the_number_of_classes_is_counted_over_the_whole_of_the_data():
    labels = torch.cat([torch.zeros(6).long(), torch.tensor([3, 9])])
    train = DataLoader(TensorDataset(rows(), labels.roll(1)), batch_size=2)
    report = asked(Subject(nn.Linear(6, 3), nn.CrossEntropyLoss(), None, train))
    assert report.findings[0].name == "num_classes_mismatch" and "10 outputs" in report.findings[0].fix.sentence


def test_labels_from_one_are_told_by_the_whole_of_the_data():
    labels = torch.tensor([2, 3, 1, 2, 3, 1, 2, 3])
    train = DataLoader(TensorDataset(rows(), labels), batch_size=2)
    report = asked(Subject(nn.Linear(6, 3), nn.CrossEntropyLoss(), None, train))
    assert report.findings[0].name == "label_out_of_range" and report.findings[0].cured.passed


def test_a_user_may_ask_twice_of_a_model_whose_loop_broke():
    """The state that the loop left behind has a graph that was freed."""
    net = Function(lambda net, x: net.head(net.keep(x)), head=nn.Linear(6, 1), state=torch.zeros(6), body=nn.Linear(6, 6))
    net.keep = lambda x: net.__dict__.__setitem__("state", torch.tanh(net.body(x) + net.state)) or net.state
    loss = nn.MSELoss()(net(rows()), torch.zeros(8, 1))
    loss.backward()
    report = asked(program(net, nn.MSELoss(), rows(), torch.zeros(8, 1)))
    assert report.findings[0].name == "double_backward" and report.untouched
    assert net.state.grad_fn is not None
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(net.state)
