"""Training data changed on their way: what is changed, by how much, with which random numbers, and that the user's stay as they are."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.cures.aligned import half_restyled
from dldebug_magics.cures.augmented import _affine, jittered, moved
from dldebug_magics.cures.importance_weights import reweighted, weights_of
from dldebug_magics.cures.more_dropout import in_front_of, of_words, places, raised
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.columns import columns_of

numbers = torch.Generator().manual_seed(5)
ROWS, LABELS = torch.randn(200, 3, generator=numbers) * torch.tensor([1.0, 5.0, 0.0]) + 2, torch.arange(200)


def program(x=ROWS, train=None, **splits) -> Subject:
    model = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 2))
    data = TensorDataset(x, LABELS) if train is None else train
    return Subject(model, nn.CrossEntropyLoss(), train=data, batch=(x, torch.arange(len(x)) % 2), **splits)


@pytest.mark.parametrize("kind", ["loader", "dataset", "batches", "one batch"])
def test_noise_of_the_asked_size_in_whatever_holds_the_data(kind):
    data = TensorDataset(ROWS, LABELS)
    sources = {
        "loader": DataLoader(data, 50),
        "dataset": data,
        "batches": [(ROWS[i::2], LABELS[i::2]) for i in (0, 1)],
        "one batch": (ROWS, LABELS),
    }
    kept, deviation = ROWS.clone(), torch.tensor([[0.1, 0.5, 0.0]])
    changed = jittered(deviation)(program(train=sources[kind])).train
    read = list(DataLoader(changed, 50) if kind == "dataset" else changed)
    labels = torch.cat([y for _, y in read])
    noise = torch.cat([x for x, _ in read]) - ROWS[labels]
    assert torch.equal(labels.sort().values, LABELS) and torch.equal(ROWS, kept)
    assert noise.std(0).tolist() == pytest.approx([0.1, 0.5, 0.0], rel=0.15)


def test_noise_is_seeded_and_another_one_in_each_pass():
    def passes():
        noisy = jittered(torch.ones(1, 3))(program()).train
        return [torch.cat([x for x, _ in DataLoader(noisy, 20)]) for _ in range(2)]

    one, two = passes(), passes()
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[0], one[1])


def spot(height, width):
    picture = torch.zeros(1, 1, height, width)
    picture[..., height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2] = 1
    return picture


def test_pictures_move_by_at_most_a_tenth_and_keep_what_they_are():
    height, width = 20, 40
    x = spot(height, width).repeat(200, 1, 1, 1)
    given, _ = next(iter(DataLoader(moved(1)(program(x)).train, 200)))
    mass = given.sum((1, 2, 3))
    rows, columns = (
        (given * torch.arange(n, dtype=torch.float32).reshape(shape)).sum((1, 2, 3)) / mass
        for n, shape in ((height, (-1, 1)), (width, (-1,)))
    )
    down, right = rows - (height - 1) / 2, columns - (width - 1) / 2
    assert mass.tolist() == pytest.approx([16.0] * 200, rel=0.05), "nothing stretched"
    assert 1.7 < down.abs().max() < 2.1 and 3.4 < right.abs().max() < 4.1
    constant, _ = next(iter(DataLoader(moved(1)(program(torch.full((200, 1, 8, 8), 7.0))).train, 200)))
    assert torch.allclose(constant, torch.tensor(7.0)), "what comes in at the border is what stands there"


def test_bytes_stay_bytes_and_half_are_mirrored():
    x = torch.zeros(200, 8, 12, 3, dtype=torch.uint8)
    x[:, :, :6] = 200
    subject = Subject(nn.Flatten(), nn.CrossEntropyLoss(), train=TensorDataset(x, LABELS), batch=(x, LABELS))
    given, _ = next(iter(DataLoader(moved(3, mirrored=True)(subject).train, 200)))
    left = given[:, 4, 0, 0] > given[:, 4, -1, 0]
    assert given.dtype is torch.uint8 and given.shape == x.shape and 0.35 < (~left).float().mean() < 0.65


def test_a_turn_is_a_turn_in_pixels_too():
    matrix = _affine(1, 2.0, False, torch.Generator().manual_seed(1))[0, :, :2]
    in_pixels = torch.diag(torch.tensor([2.0, 1.0])) @ matrix @ torch.diag(torch.tensor([0.5, 1.0]))
    assert torch.allclose(in_pixels @ in_pixels.T, torch.eye(2), atol=1e-6)


def test_half_of_the_samples_get_the_targets_moments():
    target = TensorDataset(ROWS * 3 - 7, LABELS)
    restyled = half_restyled(program(val=target)).train
    x = torch.cat([x for x, _ in DataLoader(restyled, 40)])
    changed = (x != ROWS).any(1)
    assert 80 < int(changed.sum()) < 120
    assert torch.allclose(x[changed][:, :2], (ROWS * 3 - 7)[changed][:, :2], atol=1e-4)
    assert torch.equal(x[:, 2], ROWS[:, 2]), "a column that never varies has no deviation to give"


def test_moments_and_what_is_continuous():
    x = torch.cat([ROWS[:, :2], (LABELS % 2)[:, None].float(), (LABELS % 50)[:, None].float()], 1)
    found = columns_of(program(x, train=DataLoader(TensorDataset(x, LABELS), 33)), DataLoader(TensorDataset(x, LABELS), 33))
    assert torch.allclose(found.mean[0], x.mean(0)) and torch.allclose(found.deviation[0], x.std(0, unbiased=False))
    assert found.continuous[0].tolist() == [True, True, False, True]


def test_samples_of_the_targets_kind_are_drawn_as_often_as_there():
    kinds = (torch.arange(400) % 4 == 0).float()  # a quarter in train, three quarters in the target
    away = lambda kind: torch.stack([kind * 4, torch.randn(len(kind), generator=numbers)], 1)  # noqa: E731
    train, target = TensorDataset(away(kinds), kinds), TensorDataset(away(1 - kinds), torch.full((400,), -1))
    subject = program(away(kinds), train=DataLoader(train, 40, shuffle=True), val=target)
    weights = weights_of(subject)
    assert float(weights[kinds == 1].mean() / weights[kinds == 0].mean()) == pytest.approx(9.0, rel=0.25)
    drawn = torch.cat([y for _ in range(5) for _, y in reweighted(subject).train])
    assert len(drawn) == 2000 and float(drawn.mean()) == pytest.approx(0.75, abs=0.06)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes, self.out = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(nn.functional.dropout(self.codes(x), 0.5, self.training).mean(1))


def test_tokens_are_left_out_as_a_whole_and_in_training_only():
    net, tokens = Words(), torch.randint(0, 9, (50, 40), generator=numbers)
    of_words("codes", 0.1)(Subject(net, nn.CrossEntropyLoss()))
    gone = (net.codes(tokens) == 0).all(-1)
    assert float(gone.float().mean()) == pytest.approx(0.1, abs=0.03)
    assert torch.allclose(net.codes(tokens)[~gone][:1] * 0.9, net.codes.weight[tokens[~gone][:1]], atol=1e-6) or gone.any()
    assert not (net.eval().codes(tokens) == 0).all(-1).any()


def test_dropout_more_of_it_or_where_there_was_none():
    seen = list[float]()
    net = Words()
    subject = raised(0.3)(
        Subject(
            net,
            lambda o, t: seen.append(float((o == 0).float().mean())) or o.mean(),
            batch=(torch.zeros(64, 1, dtype=torch.long), LABELS[:64]),
        )
    )
    net.out = nn.Identity()
    torch.manual_seed(0)
    loss_of(subject)
    assert seen[0] == pytest.approx(0.65, abs=0.1), "what 0.3 drops of the half that was left, and the half"
    plain = nn.Sequential(nn.Linear(3, 400), nn.ReLU(), nn.Linear(400, 2))
    subject = Subject(plain, nn.CrossEntropyLoss(), batch=(ROWS[:9], LABELS[:9] % 2))
    assert places(subject) == ["2"]
    in_front_of(["2"], 0.3)(subject)
    plain[2].register_forward_pre_hook(lambda module, given: seen.append(float((given[0] == 0).float().mean())) and None)
    alive = float((plain[1](plain[0](ROWS[:9])) > 0).float().mean())
    plain(ROWS[:9])
    assert 1 - seen[-1] == pytest.approx(0.7 * alive, rel=0.05)
