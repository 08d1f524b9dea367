"""What a program does not take is said in one line and never offered; what is said instead of a pilot is true and runs."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.cures.held_parameters import held, parameters_of
from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.remedy import Change, NotPiloted
from dldebug_magics.engine.subject import Subject
from dldebug_magics.remedies import remedies
from dldebug_magics.remedies.fitting import fitting

from .programs import by_hand, conv, functional_dropout, mlp, program, rows, transformer


def asked(term, name, subject):
    (found,) = [remedy for remedy in remedies(term) if remedy.name == name]
    with Lender(subject).lend() as lent:
        return found(lent)


def outputs_of(width):
    def change(subject):
        before = parameters_of(subject)
        subject.model[-1] = nn.Linear(12, width)
        return held(subject, before)

    return change


def beside(subject):
    before = parameters_of(subject)
    subject.model[0].idle = nn.Linear(2, 2)
    return held(subject, before)


def test_the_first_that_runs_is_offered_and_the_reason_where_none_does():
    wrong, idle = Change("no such width", before=outputs_of(2)), Change("unused", before=beside)
    right = Change("begins anew", before=outputs_of(3))
    with Lender(mlp()).lend() as lent:
        assert list(fitting(lent, [wrong, right], [idle], why="nothing")) == [right]
        for change, said in (
            (wrong, "IndexError"),
            (idle, "`0.idle.weight` would not be used"),
            (Change("", before=lambda s: 1 / 0), "Zero"),
        ):
            (answer,) = fitting(lent, [change], why="nothing fits")
            assert isinstance(answer, NotPiloted) and answer.why.startswith("nothing fits (") and said in answer.why and not answer.fits


def test_a_width_that_is_written_down_elsewhere_is_left_alone():
    changes = asked("bias", "bigger_model", by_hand())
    assert [change.what for change in changes] == ["one more hidden layer like `second`, behind it"]
    (answer,) = asked("variance", "smaller_model", by_hand())
    assert isinstance(answer, NotPiloted) and not answer.fits


def test_a_transformer_is_made_bigger_by_its_own_means():
    assert [c.what for c in asked("bias", "bigger_model", transformer())] == [
        "twice the units between dense layers",
        "one more TransformerEncoderLayer in `encoder.layers`",
    ]


def test_frozen_layers_are_not_begun_anew():
    subject = conv()
    subject.model[0].requires_grad_(False)
    (answer,) = asked("bias", "bigger_model", subject)
    assert isinstance(answer, NotPiloted) and "frozen" in answer.why and answer.fits


class RandomErasing:
    def __call__(self, x):
        return x * (torch.rand(x.shape) > 0.1)


class Augmented(TensorDataset):
    def __init__(self, *tensors):
        super().__init__(*tensors)
        self.transform = Steps()

    def __getitem__(self, number):
        x, y = super().__getitem__(number)
        return self.transform(x), y


class Steps:
    def __init__(self):
        self.transforms = [RandomErasing()]

    def __call__(self, x):
        for step in self.transforms:
            x = step(x)
        return x


def test_only_the_regularisation_that_there_is_is_taken_away():
    assert [c.what for c in asked("bias", "less_regularisation", functional_dropout())] == ["no dropout"]
    assert [c.what for c in asked("bias", "less_regularisation", mlp())] == ["no weight decay"]
    (answer,) = asked("bias", "less_regularisation", by_hand())
    assert isinstance(answer, NotPiloted) and not answer.fits
    subject = dataclasses.replace(mlp(), train=DataLoader(Augmented(torch.rand(96, 6), torch.arange(96) % 3), 16))
    assert [c.what for c in asked("bias", "less_regularisation", subject)] == [
        "no weight decay",
        "no augmentation",
        "no weight decay and no augmentation",
    ]
    (answer,) = asked("variance", "augmentation", subject)
    assert isinstance(answer, NotPiloted) and "augmented" in answer.why


def test_grey_pictures_are_not_mirrored_and_categories_get_no_noise():
    assert ["mirrored" in c.what for c in asked("variance", "augmentation", by_hand())] == [False]
    assert ["mirrored" in c.what for c in asked("variance", "augmentation", conv())] == [False, True]
    torch.manual_seed(0)
    yes_or_no = program(nn.Linear(6, 3), lambda count, generator: (rows(count, generator) > 0).float())
    (answer,) = asked("variance", "augmentation", yes_or_no)
    assert isinstance(answer, NotPiloted) and not answer.fits


def test_pictures_are_not_moved_under_masks_and_places():
    pictures = torch.rand(32, 1, 8, 8)
    for targets, loss, moved in (
        (torch.randint(0, 2, (32, 8, 8)), nn.CrossEntropyLoss(), False),
        (torch.rand(32, 2) * 8, lambda o, t: nn.functional.mse_loss(o.mean((2, 3)), t), False),
        (torch.rand(32, 1) * 8, lambda o, t: nn.functional.mse_loss(o.mean((1, 2, 3)), t[:, 0]), True),
    ):
        net, batch = nn.Conv2d(1, 2, 3, padding=1), (pictures, targets)
        subject = Subject(net, loss, torch.optim.SGD(net.parameters(), 0.1), train=batch, batch=batch)
        assert isinstance(asked("variance", "augmentation", subject)[0], Change) is moved


def test_without_a_target_no_shift_can_be_answered():
    alone = dataclasses.replace(mlp(), val=None, test=None, test_val=None)
    for name in ("synthesised_data", "aligned_inputs", "reweighted_training", "class_balance", "target_normalisation"):
        (answer,) = asked("shift", name, alone)
        assert isinstance(answer, NotPiloted) and answer.why == "there is no split of the data that the model is for"


def test_small_batches_are_normed_by_sample():
    subject = mlp()
    small = dataclasses.replace(subject, train=DataLoader(subject.train.dataset, 4))
    assert asked("variance", "normalisation_layers", small)[0].what == "norms of single samples behind each hidden layer"
    assert asked("variance", "normalisation_layers", subject)[0].what == "batch norm behind each hidden layer"
    (answer,) = asked("variance", "normalisation_layers", conv())
    assert not answer.fits


def test_decay_is_decoupled_for_adam_and_small_for_sgd():
    strengths = lambda subject: [c.what for c in asked("variance", "more_regularisation", subject) if "decay" in c.what]  # noqa: E731
    assert strengths(by_hand()) == ["weight decay of 0.1", "weight decay of 1"]
    assert strengths(mlp()) == ["weight decay of 0.01"], "ten times what there is"
    change = next(c for c in asked("variance", "more_regularisation", by_hand()) if "decay" in c.what)
    with Lender(by_hand()).lend() as lent:
        assert type(change.before(lent).optimizer) is torch.optim.AdamW


@pytest.mark.parametrize("loaders", [True, False])
def test_the_lines_that_redraw_validation_run(loaders):
    data = [TensorDataset(torch.randn(n, 2), torch.arange(n) % 3) for n in (30, 60)]
    given = [DataLoader(d, 8) for d in data] if loaders else data
    names = {"val": "my_val", "test": "held_out"}
    net = nn.Linear(2, 3)
    subject = Subject(net, nn.CrossEntropyLoss(), val=given[0], test=given[1], names=names, batch=next(iter(DataLoader(data[0], 8))))
    (answer,) = asked("validation", "redrawn_validation", subject)
    own = {"my_val": given[0], "held_out": given[1]}
    exec(answer.why.partition("\n")[2], own)
    val, test = ([int(y) for _, y in own[name].dataset] for name in ("my_val", "held_out"))
    assert sorted(val) == sorted(test) == [k for k in (0, 1, 2) for _ in range(15)]
    again = train_test_split(range(90), test_size=0.5, random_state=0, stratify=[int(d[1]) for d in torch.utils.data.ConcatDataset(data)])
    assert list(own["my_val"].dataset.indices) == list(again[0])
