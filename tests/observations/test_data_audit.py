"""The audit against numbers counted by hand and by other means, and that it consumes nothing of the user's."""

from __future__ import annotations

import math
import random
import time

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_data import groups, heights
from dldebug_magics.engine.evidence import Confidence
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.data_audit.labels import targets_of
from dldebug_magics.observations.data_audit.leaf import Leaf
from dldebug_magics.observations.data_audit.probe import _nearest, _ridge, strength, within


def subject(train, val=None, features=16, loss=None, **parts):
    net = nn.Sequential(nn.Flatten(), nn.Linear(features, 8))
    return Subject(net, loss or nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1), train, val=val, **parts)


def audited(*loaders, samples=2000, **parts):
    return list(ask("data_audit", subject(*loaders, **parts), samples=samples))[-1]


def names(report):
    return [finding.name for finding in report.alarms]


def test_counts_by_hand():
    points = torch.arange(12.0).view(6, 2)[torch.tensor([0, 1, 2, 3, 4, 4, 5, 5])].clone()
    points[2, 1], points[3, 0] = math.nan, math.inf
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2])
    report = audited(DataLoader(TensorDataset(points, labels), batch_size=3, drop_last=True), features=2)
    train = report.experiment.split("train")
    assert (train.samples, train.total, train.batches, train.batch_size, train.dropped) == (8, 8, 2, 3, 2)
    assert train.counts == ((0, 4), (1, 3), (2, 1)) and train.kind == "classes"
    assert (train.repeated, train.disagreeing) == (2, 2)  # 4 and 5 twice; the second pair with labels 1 and 2
    scale, kept = train.inputs[0], points[points.isfinite()]
    assert (scale.not_finite, scale.broken, scale.columns) == (2, (2, 3), (0, 1))
    assert (scale.minimum, scale.maximum) == (0.0, 11.0)
    assert scale.mean == pytest.approx(float(kept.mean())) and scale.std == pytest.approx(float(kept.std(unbiased=False)))
    assert train.run == pytest.approx(8 / 3)
    assert set(names(report)) == {"nan_in_data", "drop_last_loses_data"}


def test_moments_read_in_pieces_are_those_of_the_whole():
    rows, leaf = 3 + 5 * torch.randn(1000, 4), Leaf((4,), "float32")
    for start in range(0, 1000, 64):
        leaf.add(rows[start : start + 64], start)
    assert leaf.mean == pytest.approx(float(rows.mean()), rel=1e-5) and leaf.std == pytest.approx(float(rows.std(unbiased=False)), rel=1e-5)
    assert leaf.sizes == pytest.approx(rows.square().mean(1).sqrt().tolist(), rel=1e-5)


def test_an_additive_mask_is_not_broken():
    leaf = Leaf((4,), "float32")
    leaf.add(torch.zeros(3, 4).masked_fill(torch.eye(3, 4).bool(), -math.inf), 0)
    assert leaf.not_finite == 0


def test_kinds_of_targets():
    one_hot, flags = nn.functional.one_hot(torch.tensor([0, 2, 1, 2]), 3), torch.tensor([[1, 1], [0, 1], [0, 0], [1, 0]])
    assert targets_of(one_hot.float()).numbers.tolist() == [0, 2, 1, 2]
    assert targets_of(torch.tensor([[0.0], [1.0], [1.0]])).numbers.tolist() == [0, 1, 1]
    assert targets_of(flags.float()).kind == "values" and targets_of(torch.rand(9)).kind == "values"
    assert targets_of(torch.randint(0, 50, (9, 12))).kind == "other" and targets_of(None).kind == "none"


def test_probes_are_those_of_scikit_learn():
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    (known, heights_known), (asked, _) = heights(200), heights(50, seed=9)
    neighbours = KNeighborsRegressor(10).fit(known, heights_known).predict(asked)
    assert (_nearest(known, asked) @ heights_known).numpy() == pytest.approx(neighbours, abs=1e-4)
    ridge = Ridge(alpha=0.1 * 200, fit_intercept=False).fit(known, heights_known).predict(asked)
    assert (_ridge(known, asked) @ heights_known).flatten().numpy() == pytest.approx(ridge.flatten(), abs=1e-3)


def test_no_probe_sees_the_label_it_is_asked_for():
    assert all(float(probe.diagonal().abs().max()) == 0 for probe in within([heights(100)[0]]))


def test_strength_of_a_signal_and_of_none():
    points, values = heights(400)
    probes, centred = within([points]), values - values.mean()
    assert strength(probes, centred).strong and not strength(probes, centred).absent
    falsely_found = 0
    for seed in range(20):
        mixed = centred[torch.randperm(400, generator=torch.Generator().manual_seed(seed))]
        falsely_found += strength(probes, mixed).z > 3
    assert falsely_found <= 1


class Drawing(Dataset):
    """Draws from every generator there is when it is read, and counts."""

    def __init__(self):
        self.own, self.reads = numpy.random.default_rng(1), 0
        self.points, self.labels = groups(120)

    def __len__(self):
        return 120

    def __getitem__(self, row):
        self.reads += 1
        noise = random.random() + numpy.random.rand() + float(torch.rand(())) + self.own.random()
        return self.points[row] + 0.01 * noise, self.labels[row]


def test_nothing_of_the_users_is_consumed():
    torch.manual_seed(3)
    data, places = Drawing(), torch.Generator().manual_seed(7)
    loader = DataLoader(data, batch_size=10, shuffle=True, generator=places)
    walk, val = iter(loader), DataLoader(data, batch_size=10, sampler=RandomSampler(data, num_samples=60))
    next(walk)
    asked = subject(loader, val)

    def state():
        torch_state, own = torch.get_rng_state().tolist(), data.own.bit_generator.state
        return random.getstate(), numpy.random.get_state()[1].tolist(), torch_state, own, places.get_state().tolist(), data.reads

    before = state()
    report = list(ask("data_audit", asked))[-1]
    assert report.untouched and state() == before
    assert sum(len(labels) for _, labels in walk) == 110


@pytest.mark.parametrize("persistent", [False, True])
def test_loaders_with_workers(persistent):
    loader = DataLoader(TensorDataset(*groups(120)), batch_size=10, num_workers=2, persistent_workers=persistent)
    walk = iter(loader)
    first = next(walk)
    report = audited(loader, loader)
    assert report.untouched and report.experiment.split("val").samples == 120
    assert torch.equal(torch.cat([first[0], *(points for points, _ in walk)]), groups(120)[0])


def test_an_iterator_is_not_read_and_said():
    val = iter(DataLoader(TensorDataset(*groups(40)), batch_size=10))
    report = audited(DataLoader(TensorDataset(*groups(120))), val)
    assert report.experiment.unread == ("val",) and "iterator" in repr(report)
    assert len(list(val)) == 4


def test_the_number_of_samples_is_an_option():
    report = audited(DataLoader(TensorDataset(*groups(500))), samples=100)
    assert (report.experiment.split("train").samples, report.experiment.split("train").total) == (100, 500)


@pytest.mark.usefixtures("clock")
def test_a_reading_cut_short_decides_nothing():
    class Slow(Drawing):
        def __getitem__(self, row):
            time.sleep(0.02)
            return super().__getitem__(row)

    report = list(ask("data_audit", subject(DataLoader(Slow(), batch_size=10)), budget=1.0))[-1]
    assert not report.findings and not report.ok and "Not decided" in report.sentence()


def test_labels_in_order_beside_inputs_in_none_are_likely_shuffled():
    points, labels = groups(600)
    report = audited(DataLoader(TensorDataset(points, labels.sort().values), batch_size=20, shuffle=True))
    assert names(report) == ["labels_shuffled"] and report.findings[0].confidence is Confidence.LIKELY


def test_labels_that_slipped_by_a_row():
    points, labels = groups(600)
    report = audited(DataLoader(TensorDataset(points, labels.roll(2)), batch_size=20, shuffle=True))
    assert names(report) == ["labels_shuffled"] and report.findings[0].confidence is Confidence.PROVEN
    assert report.experiment.signal.shift == -2


def test_shuffled_values_and_a_shuffled_validation_set():
    (points, values), order = heights(600), torch.randperm(600, generator=torch.Generator().manual_seed(0))
    right, wrong = DataLoader(TensorDataset(points, values), batch_size=20), DataLoader(TensorDataset(points, values[order]), batch_size=20)
    other = DataLoader(TensorDataset(*heights(200, seed=5)), batch_size=20)
    assert names(audited(wrong, other, features=8, loss=nn.MSELoss())) == ["labels_shuffled"]
    assert audited(other, wrong, features=8, loss=nn.MSELoss()).findings[0].where == "val"
    assert not audited(right, other, features=8, loss=nn.MSELoss()).findings


def test_the_same_loader_twice_is_no_leak_but_its_samples_in_another_are():
    loader = DataLoader(TensorDataset(*groups(200)), batch_size=20, shuffle=True)
    assert not audited(loader, loader).findings
    report = audited(loader, DataLoader(TensorDataset(*groups(200)), batch_size=50))
    assert names(report) == ["train_val_leak"]
    assert report.experiment.shared[0].count == report.experiment.shared[0].with_label == 200


def test_renumbered_classes_are_told_with_their_numbers():
    points, labels = groups(200, seed=5)
    report = audited(DataLoader(TensorDataset(*groups(400))), DataLoader(TensorDataset(points, (labels + 1) % 4)))
    assert names(report) == ["label_mapping_mismatch"]
    assert report.experiment.renumbered.moved == ((0, 3), (1, 0), (2, 1), (3, 2))
    counted = audited(DataLoader(TensorDataset(*groups(400))), DataLoader(TensorDataset(points, labels + 1)))
    assert counted.experiment.renumbered.offset == -1 and "y_val - 1" in counted.code()


def test_tokens_and_pictures_are_read():
    ids = torch.randint(0, 30, (300, 12))
    net = nn.Sequential(nn.Embedding(30, 4), nn.Flatten(), nn.Linear(48, 2))
    loader = DataLoader(TensorDataset(ids, (ids == 3).any(1).long()), batch_size=20, shuffle=True)
    report = list(ask("data_audit", Subject(net, nn.CrossEntropyLoss(), None, loader)))[-1]
    assert report.experiment.signal.train.found and not report.findings
    pictures, labels = torch.randn(300, 3, 64, 64), torch.arange(300) % 2
    pictures[labels == 1, :, 20:40, 20:40] += 1
    report = audited(DataLoader(TensorDataset(pictures, labels), batch_size=20), features=3 * 64 * 64)
    assert report.experiment.signal.train.strong and not report.findings


def test_windows_whose_next_one_holds_the_label_have_not_slipped():
    """Returns that nobody can foretell: the label of one window stands in the next."""
    returns = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    windows, up = returns.unfold(0, 16, 1)[:-1], (returns[16:] > 0).long()
    assert not audited(DataLoader(TensorDataset(windows, up), batch_size=20)).findings


def test_near_copies_in_one_split_are_no_signal_that_the_other_lacks():
    """Many windows a person in training, one in validation, and a task that does not carry over from person to person."""
    numbers = torch.Generator().manual_seed(0)
    people, labels = 2 * torch.randn(40, 16, generator=numbers), torch.randint(0, 2, (40,), generator=numbers)
    order = torch.randperm(800, generator=numbers)
    windows = people.repeat_interleave(20, 0) + 0.3 * torch.randn(800, 16, generator=numbers)
    strangers = 2 * torch.randn(300, 16, generator=numbers), torch.randint(0, 2, (300,), generator=numbers)
    train = TensorDataset(windows[order], labels.repeat_interleave(20)[order])
    report = audited(DataLoader(train, batch_size=20), DataLoader(TensorDataset(*strangers), batch_size=20))
    assert report.experiment.signal.train.strong and not report.experiment.signal.val.strong and not report.findings


def test_every_sample_five_times_is_no_chance_even_where_inputs_repeat():
    numbers = torch.Generator().manual_seed(0)
    rows, labels = torch.randint(0, 3, (60, 16), generator=numbers).float(), torch.randint(0, 4, (60,), generator=numbers)
    again = torch.arange(300) % 60
    copied = audited(DataLoader(TensorDataset(rows[again], labels[again])))
    assert names(copied) == ["duplicated_samples"] and not copied.experiment.split("train").repeatable
    drawn = torch.randint(0, 60, (300,), generator=numbers)
    assert names(audited(DataLoader(TensorDataset(rows[drawn], labels[drawn])))) == [], "by nature, some repeat more often than others"
    whole = torch.cartesian_prod(*[torch.arange(2.0)] * 5).repeat(6, 1)
    assert names(audited(DataLoader(TensorDataset(whole, whole[:, 4].long())), features=5)) == [], "all combinations, gone through"


@pytest.mark.parametrize(("loss", "alarms"), [(nn.MSELoss(), ["outlier_samples"]), (nn.SmoothL1Loss(), [])])
def test_an_outlier_behind_a_loss_with_limits_is_a_note(loss, alarms):
    torch.manual_seed(0)
    points, targets = heights(200)
    targets[55] = 9999.0
    net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    loader = DataLoader(TensorDataset(points, targets), batch_size=20)
    report = list(ask("data_audit", Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), loader)))[-1]
    assert names(report) == alarms and "outlier_samples" in [f.name for f in report.findings]
    assert (report.experiment.pull > 10) is bool(alarms)


def test_a_class_that_the_probe_hardly_knows_does_not_hide_the_others():
    points, labels = groups(1000, count=10)
    here, there = slice(0, 700), slice(700, 1000)
    blurred = points + 4.5 * torch.randn(points.shape, generator=torch.Generator().manual_seed(1)) * (labels == 3)[:, None]
    order = torch.arange(10).roll(3)
    train, val = TensorDataset(blurred[here], labels[here]), TensorDataset(blurred[there], order[labels[there]])
    net = nn.Linear(16, 10)
    subject = Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), DataLoader(train), val=DataLoader(val))
    assert names(list(ask("data_audit", subject))[-1]) == ["label_mapping_mismatch"]
