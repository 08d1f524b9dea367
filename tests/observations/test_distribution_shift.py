"""`%distribution_shift` against numbers made by hand, shifts that were planted, and data that only look as if they had shifted."""

from __future__ import annotations

import functools

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_shifts import classes, compared, model, rows
from dldebug_magics.checks.small_splits import evaluated
from dldebug_magics.document import as_html, as_text
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.distribution_shift.matching import by_classes, by_inputs
from dldebug_magics.observations.distribution_shift.roles import compared as roles_of


def report(subject, **options):
    return list(ask("distribution_shift", subject, **options))[-1]


def text(answer):
    return " ".join(as_text(answer.document()).split())


def names(findings):
    return [f.name for f in findings]


ROLES = {
    "train test": ("train", "test"),
    "train val": ("train", "val"),
    "train val test": ("val", "test"),
    "train train_val test_val test": ("train_val", "test_val"),
    "train train_val val": ("train_val", "val"),
    "train_val val test": ("train_val", "test"),
    "train train_val": ("train", "train_val"),
    "test_val test": ("test_val", "test"),
}


@pytest.mark.parametrize(("given", "chosen"), ROLES.items())
def test_the_splits_that_are_compared(given, chosen):
    assert roles_of(Subject(model(), None, **{role: [role] for role in given.split()}), "", "") == chosen


def test_the_splits_that_are_asked_for():
    subject = Subject(model(), None, train=[0], val=[1], test=[2])
    assert roles_of(subject, "train", "") == ("train", "test") and roles_of(subject, "", "val") == ("train", "val")
    with pytest.raises(UserMistake, match="no split `tset`; expected one of those that are given: train, val, test"):
        roles_of(subject, "", "tset")


def test_errors_gap_and_shares_of_classes_are_those_that_were_made():
    answer = report(evaluated(samples=400, val=20, test=60))
    seen = answer.experiment
    assert (seen.gap.source, seen.gap.target, seen.gap.value) == pytest.approx((0.05, 0.15, 0.1))
    assert seen.gap.interval.low < 0.1 < seen.gap.interval.high and seen.gap.interval.above_zero
    assert seen.labels.counted and seen.labels.source == (0.5, 0.5) and seen.labels.p == pytest.approx(1.0)
    assert answer.untouched and "error 5.0 % and 15.0 %" in answer.sentence()


def test_what_the_mixture_makes_and_what_is_left_come_to_the_gap_by_hand():
    true = numpy.array([0] * 80 + [1] * 20), numpy.array([0] * 20 + [1] * 80)
    wrong = [numpy.where(side == 1, numpy.arange(len(side)) % 2, 0).astype(float) for side in true]  # the second class: half of it
    found = by_classes(true, (wrong[0], wrong[1]), seed=0)
    assert [part.value for part in found.moved] == pytest.approx([0.3, 0.3]), "errors of 10 % and 40 %, from the shares alone"
    assert [part.value for part in found.left] == pytest.approx([0.0, 0.0])
    draws = numpy.random.default_rng(0)
    wrong, scores = (draws.random(90) < 0.2, draws.random(60) < 0.5), draws.random(150)
    found, gap = by_inputs(scores, (wrong[0].astype(float), wrong[1].astype(float)), seed=0), wrong[1].mean() - wrong[0].mean()
    assert [m.value + k.value for m, k in zip(found.moved, found.left, strict=True)] == pytest.approx([gap, gap])
    assert by_classes((numpy.zeros(5, int), numpy.ones(5, int)), (wrong[0][:5], wrong[1][:5]), seed=0) is None


def test_a_model_that_learnt_its_training_set_by_heart_has_not_shifted():
    """Errors, features and outputs of train are others than those of unseen data, and none of it is a shift."""
    answer = report(evaluated(400, train=0, test=120))
    assert answer.ok and not answer.findings and answer.experiment.gap.value == pytest.approx(0.3)
    assert {name.partition(":")[0] for name, _ in answer.experiment.tests} == {"inputs"}
    assert "The model was trained on train" in text(answer)


def test_a_mark_of_the_split_on_every_sample_is_no_alarm_even_where_the_model_is_over_fitted():
    answer = report(Subject(model(), nn.CrossEntropyLoss(), train=rows(seed=1, moved=-6.0), test=rows(seed=2, moved=-30.0, wrong=0.2)))
    assert answer.ok and names(answer.findings) == ["distribution_shift"] and answer.experiment.hurts is None
    assert answer.experiment.apart.auc > 0.99 and "may be over-fitting" in answer.sentence() and "--train-val" in text(answer)


def test_harm_that_the_target_shows_by_itself_is_heard_against_train_too():
    weak = report(Subject(model(), nn.CrossEntropyLoss(), train=rows(seed=1, moved=-0.7), test=rows(seed=2, moved=0.7)))
    assert names(weak.alarms) == ["covariate_shift"] and not weak.experiment.held_out
    rescaled = report(Subject(_sure_of_scale(), nn.CrossEntropyLoss(), train=_points(1), test=_points(2, 3.0, 0.2)))
    assert names(rescaled.alarms) == ["covariate_shift"]
    back = rescaled.experiment.moved_back
    assert back.before > 0.3 and back.after < 0.1 and back.helps and "Prepare the inputs of both splits alike" in text(rescaled)


def _points(seed, moved=0.0, stretched=1.0):
    inputs = torch.randn(500, 3, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(inputs * stretched + moved, (inputs[:, 0] > 0).long())


def _sure_of_scale():
    return _linear([[-5.0, 0.0, 0.0], [5.0, 0.0, 0.0]])


def _linear(weight):
    net = nn.Linear(len(weight[0]), len(weight), bias=False)
    net.load_state_dict({"weight": torch.tensor(weight)})
    return net


def test_classes_in_other_shares_are_counted_and_harmless_ones_are_a_note():
    answer = report(Subject(_sure_of_scale(), nn.CrossEntropyLoss(), val=_points(1), test=_only(_points(2), 0.8)))
    assert answer.ok and names(answer.findings) == ["label_shift"] and "it does not hurt" in answer.sentence()
    assert answer.experiment.labels.counted and not next_steps_in(answer)


def _only(points, share):
    inputs, labels = points.tensors
    kept = (labels == 1) | (torch.rand(len(labels), generator=torch.Generator().manual_seed(0)) > share)
    return TensorDataset(inputs[kept], labels[kept])


def test_classes_that_the_source_never_shows_are_named():
    only = _only(_points(1), -1.0)
    val = TensorDataset(*(side[only.tensors[1] == 1] for side in only.tensors))
    answer = report(Subject(_linear([[0.0] * 3, [1e-3, 0.0, 0.0]]), nn.CrossEntropyLoss(), val=val, test=TensorDataset(*_swapped(2))))
    assert names(answer.alarms) == ["label_shift"] and answer.experiment.labels.new == (0,)
    assert answer.experiment.new_classes == pytest.approx(answer.experiment.gap.target)
    assert "classes that the source never shows: 0" in text(answer)


def _swapped(seed):
    """Points of which those of the first class are answered wrongly."""
    inputs, labels = _points(seed).tensors
    return inputs.abs(), labels


def next_steps_in(answer):
    return "What to do next" in text(answer)


def test_without_labels_in_the_target_the_shares_are_estimated():
    unlabelled = classes(seed=2, share=0.7).tensors[0]
    answer = report(Subject(model_of_two(), nn.CrossEntropyLoss(), val=classes(seed=1, share=0.3), test=TensorDataset(unlabelled)))
    seen = answer.experiment
    assert seen.gap is None and not seen.labels.counted and seen.labels.intervals[1].low < 0.7 < seen.labels.intervals[1].high
    assert names(answer.findings) == ["label_shift"] and answer.ok and "no error is known on both sides" in answer.sentence()


def model_of_two():
    net = nn.Linear(2, 2)
    net.load_state_dict({"weight": torch.tensor([[-2.0, 0.0], [2.0, 0.0]]), "bias": torch.tensor([-1.0, 1.0])})
    return net


@functools.cache
def digits():
    from sklearn.datasets import load_digits

    found = load_digits()
    order = numpy.random.default_rng(0).permutation(len(found.target))
    return torch.tensor(found.images[order]).float()[:, None] / 16, torch.tensor(found.target[order])


def pictures(start, stop, change=lambda pictures: pictures):
    inputs, labels = digits()
    return TensorDataset(change(inputs[start:stop]), labels[start:stop])


@functools.cache
def reader():
    torch.manual_seed(0)
    net, (inputs, labels) = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), pictures(0, 900).tensors
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    return net


def test_real_pictures_are_alike_and_darker_ones_are_named_so():
    subject = Subject(reader(), nn.CrossEntropyLoss(), val=pictures(900, 1150), test=pictures(1350, 1600))
    answer = report(subject)
    assert answer.ok and not answer.findings and "No shift was seen from val to test" in answer.sentence()
    dark = report(Subject(reader(), nn.CrossEntropyLoss(), val=pictures(900, 1150), test=pictures(1350, 1600, lambda x: 0.3 * x - 0.4)))
    assert {"brightness", "contrast"} <= {f.name for f in dark.experiment.features[:3]} and names(dark.alarms) == ["covariate_shift"]
    assert dark.experiment.moved_back.gain > 0.1 and "brightness" in as_html(dark.document())


class Counting(Dataset):
    """A million rows, sorted by class, of which each that is read is counted."""

    def __init__(self, moved=0.0):
        self.read, self.moved = [], moved

    def __len__(self):
        return 10**6

    def __getitem__(self, number):
        self.read.append(number)
        numbers = numpy.random.default_rng(number)
        return torch.from_numpy(numbers.standard_normal(2).astype("float32") + self.moved), int(number >= 500_000)


def test_of_a_million_rows_as_many_are_read_as_are_asked_for_all_over_the_set():
    val, test = Counting(), Counting()
    seen = report(Subject(model(), nn.CrossEntropyLoss(), val=DataLoader(val, 50, shuffle=True), test=DataLoader(test, 50)), samples=300)
    seen = seen.experiment
    assert (seen.source.samples, seen.source.of, seen.target.samples) == (300, 10**6, 300) and not seen.differs
    assert seen.labels.source == seen.labels.target == (0.5, 0.5)


class Sorted(IterableDataset):
    """A stream sorted by class."""

    def __iter__(self):
        numbers = torch.Generator().manual_seed(3)
        for number in range(3000):
            yield torch.randn(2, generator=numbers) + 3 * (number >= 1500), int(number >= 1500)


def test_of_a_sorted_stream_a_fair_draw_is_taken():
    held = TensorDataset(*map(torch.stack, zip(*[(x, torch.tensor(y)) for x, y in Sorted()], strict=True)))
    seen = report(Subject(model(), nn.CrossEntropyLoss(), val=held, test=DataLoader(Sorted(), 32)), samples=250).experiment
    assert seen.target.samples == 250 and seen.target.of == 3000 and seen.target.fair and not seen.differs


def test_a_start_stands_for_its_stream_only_where_it_does_not_drift():
    held = TensorDataset(*map(torch.stack, zip(*[(x, torch.tensor(y)) for x, y in Sorted()], strict=True)))
    answer = report(Subject(model(), nn.CrossEntropyLoss(), val=held, test=DataLoader(Sorted(), 32)), samples=80)
    side = answer.experiment.target
    assert not answer.alarms and not side.fair and not side.shuffled and "in sorted data that is no fair draw" in text(answer)
    shuffled = [tuple(side[i : i + 20] for side in rows(4000, 5, moved=0.7).tensors) for i in range(0, 4000, 20)]
    answer = report(compared(val=rows(300, 1, moved=-0.7), test=_Stream(shuffled)), samples=150)
    assert answer.experiment.target.shuffled and not answer.experiment.target.fair and names(answer.alarms) == ["covariate_shift"]


class _Stream:
    """Batches without an end that anybody could know of."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


class Flickering(Dataset):
    """Samples that are drawn anew each time, by a hand that nobody knows."""

    def __len__(self):
        return 200

    def __getitem__(self, number):
        return torch.randn(2) + torch.tensor([0.0, 3.0]), number % 2


def test_what_a_loader_does_by_design_is_a_hint_and_no_alarm():
    answer = report(Subject(model(), nn.CrossEntropyLoss(), val=Flickering(), test=rows(200)))
    assert answer.ok and [f.confidence.value for f in answer.findings] == ["hint"] and "augmentation is on" in text(answer)


def test_texts_with_other_words_are_told_apart_by_them():
    numbers = torch.Generator().manual_seed(0)
    old, new = (torch.randint(1, 40, (300, 20), generator=numbers) for _ in range(2))
    new[torch.rand(new.shape, generator=numbers) < 0.2] = 7
    net = nn.Sequential(nn.Embedding(40, 4), nn.Flatten(), nn.Linear(80, 2))
    seen = report(Subject(net, None, val=old, test=new)).experiment
    assert seen.features[0].name == "token 7" and seen.gap is None and seen.differs


def test_splits_that_share_samples_and_other_splits_are_told():
    subject = compared(train=rows(300, 5, moved=2.0), val=rows(300), test=rows(200, 7))
    answer = report(subject)
    assert answer.experiment.repeated == 0
    assert [role for role, _ in answer.experiment.others] == ["train"] and answer.experiment.others[0][1].auc > 0.8
    answer = report(compared(val=rows(300), test=TensorDataset(*rows(300)[200:])))
    assert answer.experiment.repeated == 100 and "100 different inputs of test stand in val, too" in text(answer)


def test_few_samples_tell_nothing():
    answer = report(compared(val=rows(15), test=rows(300, moved=9.0)))
    assert answer.ok and not answer.findings and "Nothing can be told of fewer than 20 samples" in answer.sentence()


def test_values_have_no_classes_and_columns_may_have_names():
    net = _linear([[1.0, 0.0, 0.0]])
    sides = [TensorDataset(p.tensors[0], p.tensors[0][:, :1].clone()) for p in (_points(1), _points(2, torch.tensor([0.0, 0.0, 2.0])))]
    seen = report(Subject(net, nn.MSELoss(), val=sides[0], test=sides[1]), columns=["age", "height", "weight"]).experiment
    assert seen.labels is None and seen.metric == "squared error" and [f.name for f in seen.features] == ["weight"]
    assert seen.kind == "covariate_shift" and seen.hurts is False


def test_groups_are_dealt_out_as_one():
    """Ten rows of each of few patients: that patients differ is no shift, though the rows look as if."""
    numbers = torch.Generator().manual_seed(1)
    sides = []
    for start in (0, 12):
        who = torch.arange(start, start + 12).repeat_interleave(20)
        inputs = torch.randn(24, 2, generator=torch.Generator().manual_seed(9))[who] * 2 + 0.1 * torch.randn(len(who), 2, generator=numbers)
        sides.append(TensorDataset(inputs, (inputs[:, 0] > 0).long(), who))
    subject = compared(val=sides[0], test=sides[1])
    assert report(subject).experiment.differs and not report(subject, groups=2).experiment.differs


def test_the_same_twice_and_nothing_is_left_behind():
    subject = compared(val=DataLoader(rows(150, 1), 32, shuffle=True), test=DataLoader(rows(150, 2, moved=1.0), 32, shuffle=True))
    before = torch.random.get_rng_state()
    subject.model.train()
    first, second = report(subject), report(subject)
    assert first.experiment == second.experiment and first.untouched and subject.model.training
    assert torch.equal(before, torch.random.get_rng_state())


def test_draws_of_one_distribution_raise_no_alarm():
    for seed in range(8):
        answer = report(compared(val=rows(150, 2 * seed), test=rows(150, 2 * seed + 1)))
        assert not answer.alarms, answer.sentence()


BAD = {
    "one split": (lambda: compared(test=rows(50)), "`test` (test) is the only split; expected two to compare; name the other: --train"),
    "none": (lambda: compared(), "no data to compare"),
    "itself": (lambda: _twice(rows(50)), "`test` is held against itself (--val and --test)"),
    "empty": (lambda: compared(val=rows(50), test=TensorDataset(torch.zeros(0, 2), torch.zeros(0).long())), "`test` is empty"),
    "other columns": (
        lambda: compared(val=rows(50), test=_points(1)),
        "a sample of `test` has input 0 of shape (3,), one of `val` input 0 of shape (2,)",
    ),
    "an iterator": (lambda: compared(val=rows(50), test=iter([])), "`test` is an iterator"),
    "no weights": (lambda: Subject(model().to("meta"), None, val=rows(50), test=rows(60)), "is on meta"),
}


def _twice(data):
    return compared(val=data, test=data)


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_said_in_one_line(kind):
    made, line = BAD[kind]
    with pytest.raises(UserMistake) as mistake:
        report(made())
    assert line in str(mistake.value) and "\n" not in str(mistake.value)


def test_a_source_that_was_trained_on_in_part_raises_no_alarm():
    whole = rows(900, 1, moved=-6.0)
    known, other = TensorDataset(*whole[:300]), rows(300, 2, moved=-6.0, wrong=0.25)
    heard = report(compared(train=rows(300, 3, moved=-6.0), val=known, test=other))
    assert names(heard.alarms) == ["concept_shift"] and heard.experiment.leaked == 0
    by_content = report(compared(train=TensorDataset(*whole[:600]), val=known, test=other))
    assert not by_content.alarms and by_content.experiment.leaked == 300 and "300 samples of val stand in train" in text(by_content)
    by_number = report(compared(train=Subset(whole, range(600)), val=Subset(whole, range(300)), test=other), samples=100)
    assert not by_number.alarms and by_number.experiment.leaked == 300
