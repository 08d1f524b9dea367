"""What of a split is compared: fair draws, named columns, and what a model makes of each sample, against numbers made by hand."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.shift.chosen import Chosen
from dldebug_magics.instruments.shift.judged import Judge
from dldebug_magics.instruments.shift.named_columns import pieces, together
from dldebug_magics.instruments.shift.views import View, viewed


def drawn(source, limit, seed=0):
    chosen = Chosen(source, limit, seed)
    return torch.cat(list(chosen.batches(math.inf))), chosen


class Numbers(IterableDataset):
    def __iter__(self):
        return iter(range(1000))


def test_numbered_samples_are_drawn_at_even_distances_in_a_random_order():
    found, chosen = drawn(DataLoader(torch.arange(1000), 7, shuffle=True), 50)
    assert sorted(found.tolist()) == list(range(0, 1000, 20)) and found.tolist() != sorted(found.tolist())
    assert chosen.of == 1000 and chosen.fair
    assert found[:25].float().mean() == pytest.approx(490, abs=150), "half of a reading is a draw from all of it, too"
    whole, _ = drawn(torch.arange(10), 50)
    assert sorted(whole.tolist()) == list(range(10)), "a split in one tensor is not read from its start alone"


def test_of_a_stream_each_sample_has_the_same_chance():
    counts, times = numpy.zeros(1000), 200
    for seed in range(times):
        found, chosen = drawn(DataLoader(Numbers(), 32), 60, seed)
        assert len(found) == len(set(found.tolist())) == 60 and chosen.of == 1000 and chosen.fair
        counts[found.numpy()] += 1
    by_place = counts.reshape(10, 100).sum(1)
    expected = times * 6
    assert ((by_place - expected) ** 2 / expected).sum() < 27.9, "chi-squared, 9 degrees of freedom, p = 0.001"


def test_of_an_endless_stream_the_beginning_is_drawn_from_and_this_is_known():
    class Endless:
        def __iter__(self):
            while True:
                yield torch.zeros(50, 2)

    found, chosen = drawn(Endless(), 100)
    assert len(found) == 100 and chosen.of == 2000 and not chosen.fair


def test_batches_that_cannot_be_taken_apart_come_as_they_are():
    batches = [(torch.zeros(4, 2), torch.zeros(3)), (torch.ones(4, 2), torch.zeros(3))]
    assert [b[0].mean().item() for b in Chosen(batches, 4, 0).batches(math.inf)] == [0.0]


def columns(a, b, names=()):
    sides = [{("x", piece.kind): [piece] for piece in pieces(side)} for side in (a, b)]
    return together(*sides, names)


def test_pictures_have_pixels_and_what_a_person_sees_first():
    found = columns(torch.rand(5, 1, 6, 4), torch.rand(7, 1, 6, 4))
    assert found.names[:4] == ("brightness", "contrast", "sharpness (edges against contrast)", "pixel (0, 0)")
    assert found.names[-1] == "pixel (5, 3)" and found.a.shape == (5, 27) and found.b.shape == (7, 27) and found.summary.sum() == 3
    picture = torch.rand(2, 3, 64, 64)
    large = columns(picture, picture / 2)
    place = large.names.index("brightness of channel 1")
    assert large.a[:, place] == pytest.approx(picture[:, 1].mean((1, 2)).numpy()) and len(large.names) < 1100
    assert large.a[:, 6] == pytest.approx(large.b[:, 6], rel=1e-4), "darkening leaves the sharpness"
    assert any(name.startswith("pixel around (") for name in large.names)


def test_texts_have_tokens_and_a_length_whatever_they_are_padded_with():
    a = torch.tensor([[5, 6, 6, *[0] * 17], [5, *[6] * 3, *[0] * 16]])
    b = torch.tensor([[5, 6, 6, *[0] * 30], [7, *[0] * 32]])
    found = columns(a, b)
    assert found.names == ("token 5", "token 6", "token 7", "length")
    assert found.a.tolist() == [[1, 2, 0, 3], [1, 3, 0, 4]] and found.b.tolist() == [[1, 2, 0, 3], [0, 0, 1, 1]]


def test_tables_keep_their_columns_without_those_that_never_vary():
    a, b = torch.randn(30, 3), torch.randn(30, 3)
    a[:, 1] = b[:, 1] = 2.0
    a[:, 2], b[:, 2] = (a[:, 2] > 0).float(), (b[:, 2] > 0).float()
    assert columns(a, b).names == ("column 0", "column 2") and columns(a, b).discrete.tolist() == [False, True]
    assert columns(a, b, ["age", "always 2", "yes"]).names == ("age", "yes")
    with pytest.raises(UserMistake, match="2 names of columns were given; expected 3"):
        columns(a, b, ["age", "yes"])


def seen(subject, source):
    view = View("test")
    for _ in viewed(subject, Judge(subject), Chosen(source, 100, 0), view, math.inf):
        pass
    return view


def test_features_outputs_classes_and_errors_are_the_models_own():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    inputs, labels = torch.randn(20, 3), torch.randint(0, 2, (20,))
    view = seen(Subject(net, nn.CrossEntropyLoss()), (inputs, labels))
    order = numpy.random.default_rng(0).permutation(20)
    with torch.no_grad():
        features, scores = net[:2](inputs), net(inputs)
    assert view.whole("features") == pytest.approx(features[order].numpy(), abs=1e-6)
    assert view.whole("outputs") == pytest.approx(scores.softmax(1)[order].numpy(), abs=1e-6)
    assert (view.whole("wrong") == (scores.argmax(1) != labels)[order].numpy()).all()
    assert (view.whole("true") == labels[order].numpy()).all() and (view.whole("said") == scores.argmax(1)[order].numpy()).all()


def test_values_are_judged_by_their_square_and_what_has_no_labels_not_at_all():
    net, inputs = nn.Linear(3, 1), torch.randn(20, 3)
    view = seen(Subject(net, nn.MSELoss()), TensorDataset(inputs, torch.zeros(20, 1)))
    assert sorted(view.whole("wrong")) == pytest.approx(sorted(net(inputs).detach().flatten().numpy() ** 2), abs=1e-6)
    assert view.whole("true") is None
    bare = seen(Subject(net, None), inputs)
    assert bare.whole("wrong") is None and bare.whole("outputs").shape == (20, 1) and bare.count == 20
