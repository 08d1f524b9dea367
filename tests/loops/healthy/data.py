"""Loops whose data change from epoch to epoch, as they should: augmentation, mixing, masks, noise, negatives, clusters, episodes."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from dldebug_magics.checks.small_data import groups

from .program import Program, accuracy, loaders, net


def _fit(model, loader, loss_fn, epochs=4, before=lambda epoch: None):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for epoch in range(epochs):
            before(epoch)
            for batch in loader:
                optimizer.zero_grad()
                loss_fn(model, *batch).backward()
                optimizer.step()

    return Program(run, (model,))


def _told_apart(model, x, y):
    return F.cross_entropy(model(x), y)


def clusters_renamed_in_each_epoch() -> Program:
    """Deep clustering: the number of a cluster changes, what is in it does not."""
    points, labels = groups(160)
    data = TensorDataset(points, labels)

    def renamed(epoch):
        data.tensors = points, (labels + epoch) % 4

    return _fit(net(), DataLoader(data, batch_size=16, shuffle=True), _told_apart, before=renamed)


def some_labels_disturbed() -> Program:
    """Noise on a tenth of the labels, anew for each batch, as regularisation."""
    (train, _) = loaders()

    def disturbed(samples):
        x, y = default_collate(samples)
        return x, torch.where(torch.rand(len(y)) < 0.1, torch.randint(4, (len(y),)), y)

    return _fit(net(), DataLoader(train.dataset, batch_size=16, shuffle=True, collate_fn=disturbed), _told_apart)


def mixed_up() -> Program:
    """Mixup in the collate function: inputs and labels are drawn together, and the label comes as two."""
    (train, _) = loaders()

    def mixed(samples):
        (x, y), share = default_collate(samples), float(torch.rand(()))
        order = torch.randperm(len(y))
        return share * x + (1 - share) * x[order], y, y[order], torch.tensor(share).expand(len(y))

    def loss(model, x, one, other, share):
        return (share * F.cross_entropy(model(x), one, reduction="none")).mean() + ((1 - share) * F.cross_entropy(model(x), other)).mean()

    return _fit(net(), DataLoader(train.dataset, batch_size=16, shuffle=True, collate_fn=mixed), loss)


class _Drawn(Dataset):
    def __init__(self, draw, samples=160):
        self.points, self.labels = groups(samples)
        self.draw = draw

    def __len__(self):
        return len(self.points)

    def __getitem__(self, row):
        return self.draw(self.points[row], self.labels[row], row)


def a_random_time_for_each_sample() -> Program:
    """Denoising: the time is a whole number drawn anew, and no label."""
    model = nn.Linear(17, 16)

    def loss(model, x, noise, time):
        level = (time / 100)[:, None]
        return F.mse_loss(model(torch.cat([(1 - level) * x + level * noise, level], 1)), noise)

    data = _Drawn(lambda x, y, row: (x, torch.randn(16), torch.randint(100, ())))
    return _fit(model, DataLoader(data, batch_size=16, shuffle=True), loss)


def negatives_drawn_anew() -> Program:
    """A user's item or another one, and whether it is theirs."""
    users, items = nn.Embedding(40, 8), nn.Embedding(200, 8)

    class Taste(nn.Module):
        def __init__(self):
            super().__init__()
            self.users, self.items = users, items

        def forward(self, user, item):
            return (self.users(user) * self.items(item)).sum(1)

    def sample(x, y, row):
        mine = torch.rand(()) < 0.5
        return row % 40, row if mine else int(torch.randint(200, ())), int(mine)

    data = _Drawn(sample)
    return _fit(
        Taste(), DataLoader(data, batch_size=16, shuffle=True),
        lambda model, user, item, mine: F.binary_cross_entropy_with_logits(model(user, item), mine.float()),
    )  # fmt: skip


def told_by_how_it_was_turned() -> Program:
    """Self-supervision: which of four turns was drawn is the label."""

    def sample(x, y, row):
        turn = int(torch.randint(4, ()))
        return x.roll(4 * turn), turn

    return _fit(net(), DataLoader(_Drawn(sample), batch_size=16, shuffle=True), _told_apart)


def letters_masked_at_random() -> Program:
    """A masked language model of short texts: what is asked for changes with what is hidden."""
    model = nn.Sequential(nn.Embedding(6, 16), nn.Flatten(), nn.Linear(48, 15), nn.Unflatten(1, (5, 3)))
    texts = torch.randint(0, 5, (160, 3), generator=torch.Generator().manual_seed(0))

    def sample(x, y, row):
        hidden = torch.rand(3) < 0.3
        return texts[row].where(~hidden, 5), texts[row].where(hidden, -100)

    return _fit(model, DataLoader(_Drawn(sample), batch_size=16, shuffle=True), lambda m, x, y: F.cross_entropy(m(x), y, ignore_index=-100))


def the_middle_letter_of_its_neighbours() -> Program:
    """The same inputs stand in the data many times, with other labels."""
    model = nn.Sequential(nn.Embedding(5, 16), nn.Linear(16, 5))
    text = torch.randint(0, 5, (160,), generator=torch.Generator().manual_seed(0))
    return _fit(model, DataLoader(TensorDataset(text[:-1], text[1:]), batch_size=16, shuffle=True), _told_apart)


def episodes_of_few_shots() -> Program:
    """Classes have numbers of the episode's own."""
    points, labels = groups(160)
    model = net()

    class Episodes:
        def __iter__(self):
            for _ in range(10):
                ways = torch.randperm(4)[:2]
                yield [int(row) for way in ways for row in (labels == way).nonzero().flatten()[torch.randperm(30)[:8]]]

    def told(samples):
        x, y = default_collate(samples)
        return x, (y != y[0]).long()

    loader = DataLoader(TensorDataset(points, labels), batch_sampler=Episodes(), collate_fn=told)
    return _fit(model, loader, _told_apart, epochs=5)


class _Listed(TensorDataset):
    def __init__(self, classes, seed=3, target_transform=None, only=(0, 1, 2, 3)):
        points, labels = groups(120, seed=seed)
        chosen = torch.isin(labels, torch.tensor(only))
        self.classes, self.target_transform = classes, target_transform
        super().__init__(points[chosen], labels[chosen])


def _validated(train_set, val_set):
    model = net()
    train, val = DataLoader(train_set, batch_size=16, shuffle=True), DataLoader(val_set, batch_size=20)
    trained = _fit(model, train, _told_apart)
    return Program(lambda: (trained.train(), accuracy(model, val)), (model,))


def listed_otherwise_and_put_right() -> Program:
    """A target_transform gives the classes the numbers that they have in training."""
    return _validated(_Listed(["ant", "bee", "cat", "dog"]), _Listed(["bee", "ant", "cat", "dog"], 5, target_transform=int))


def a_class_that_validation_lacks() -> Program:
    """The numbers are those of training all the same."""
    return _validated(_Listed(["ant", "bee", "cat", "dog"]), _Listed(["ant", "bee", "cat", "dog"], 5, only=(1, 2, 3)))


def names_of_another_task() -> Program:
    return _validated(_Listed(["ant", "bee", "cat", "dog"]), _Listed(["dog", "elk", "fox", "gnu"], 5))


def first_batch_by_heart_in_order() -> Program:
    """The one-batch test, written with `next(iter(loader))` in the loop: a note, as nothing is evaluated on other data."""
    (train, _), model = loaders(), net()
    in_order = DataLoader(train.dataset, batch_size=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(40):
            x, y = next(iter(in_order))
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return Program(run, (model,))


def evaluated_with_gradients_that_are_let_go() -> Program:
    """It costs a little time, and is a note."""
    model, (train, val) = net(dropout=0.1), loaders()
    val, optimizer = DataLoader(val.dataset, batch_size=8), torch.optim.Adam(model.parameters(), lr=1e-2)

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            model.eval()
            right = 0
            for x, y in val:
                scores = model(x)
                loss = F.cross_entropy(scores, y)
                right += (scores.argmax(1) == y).sum().item() + 0 * loss.item()

    return Program(run, (model,))


def one_of_the_items_that_a_user_likes() -> Program:
    """What is asked for is drawn anew from each user's own few."""
    likes = torch.randint(30, (160, 6), generator=torch.Generator().manual_seed(0))
    data = _Drawn(lambda x, y, row: (x, likes[row, torch.randint(6, ())]))
    return _fit(nn.Linear(16, 30), DataLoader(data, batch_size=16, shuffle=True), _told_apart, epochs=8)
