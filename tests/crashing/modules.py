"""Modules that are called in the wrong way, at the wrong time, or overwritten."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject

ONE_VALUE = "Expected more than 1 value per channel when training, got input size torch.Size"
UNINITIALISED = "Attempted to use an uninitialized parameter in"


@crash("bn_batch_size_one", "forward", ValueError, f"{ONE_VALUE}([1, 16])", batch="last")
def last_batch_of_one_row(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    return subject(net, nn.CrossEntropyLoss(), loader(torch.randn(9, 12), labels(9, 3), batch_size=4, drop_last=not faulty))


class SqueezeExcite(nn.Module):
    """Weighs channels by their global mean, normalised: one value a channel and sample."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 1), nn.Sigmoid()
        )
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        return self.head((x * self.weigh(x)).mean((2, 3)))


@crash("bn_batch_size_one", "forward", ValueError, f"{ONE_VALUE}([1, 4, 1, 1])", batch="last")
def last_batch_of_one_picture(faulty: bool) -> Subject:
    return subject(SqueezeExcite(), nn.CrossEntropyLoss(), loader(images(5), labels(5), drop_last=not faulty))


class Stages(nn.Module):
    """Keeps its stages in a plain list, and writes what they give over them."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.first, self.second = nn.Linear(12, 16), nn.Linear(16, 3)
        self.stages = [self.first, torch.relu, self.second]
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if self.faulty:
                self.stages[i] = x
        return x


@crash("module_overwritten", "second pass", TypeError, "'Tensor' object is not callable")
def stages_overwritten_by_outputs(faulty: bool) -> Subject:
    return subject(Stages(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 3)))


class Features(nn.Module):
    """Has a method `features`, and an attribute of the same name after its first call."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.conv, self.classifier, self.faulty = nn.Conv2d(3, 8, 3), nn.Linear(8, 10), faulty

    def features(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(F.relu(self.conv(x)), 1).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        if self.faulty:
            self.features = self.features(x)
            return self.classifier(self.features)
        features = self.features(x)
        return self.classifier(features)


@crash("module_overwritten", "second pass", TypeError, "'Tensor' object is not callable")
def method_overwritten_by_its_result(faulty: bool) -> Subject:
    return subject(Features(faulty), nn.CrossEntropyLoss(), loader(images(), labels()))


class Assigned(nn.Module):
    """Assigns the output of a layer to the layer's name: torch refuses at once."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.fc1, self.fc2, self.faulty = nn.Linear(12, 16), nn.Linear(16, 3), faulty

    def forward(self, x: Tensor) -> Tensor:
        if self.faulty:
            self.fc1 = F.relu(self.fc1(x))
            return self.fc2(self.fc1)
        hidden = F.relu(self.fc1(x))
        return self.fc2(hidden)


@crash("module_overwritten", "forward", TypeError, "cannot assign 'torch.FloatTensor' as child module 'fc1'")
def layer_overwritten_by_its_output(faulty: bool) -> Subject:
    return subject(Assigned(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 3)))


class Pairs(nn.Module):
    """Compares two inputs; the loader gives them as one pair."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(10, 4)


class TakesOne(Pairs):
    def forward(self, pair: Tensor) -> Tensor:
        code = self.encoder(pair)
        return (code[0] - code[1]).square().sum(1)


class TakesPair(Pairs):
    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        left, right = pair
        return (self.encoder(left) - self.encoder(right)).square().sum(1)


@crash("model_not_callable_signature", "forward", TypeError, "linear(): argument 'input' (position 1) must be Tensor, not list")
def pair_where_a_tensor_is_wanted(faulty: bool) -> Subject:
    samples = [((torch.randn(10), torch.randn(10)), float(i % 2)) for i in range(8)]
    net = TakesOne() if faulty else TakesPair()

    def loss_fn(distance: Tensor, same: Tensor) -> Tensor:
        return F.mse_loss(distance, same.float())

    return subject(net, loss_fn, DataLoader(samples, batch_size=4), model="siamese", loss_fn="loss_fn")


class TakesBatch(nn.Module):
    """Reads its two inputs out of the batch itself."""

    def __init__(self, key: str):
        super().__init__()
        self.words, self.age, self.head, self.key = nn.Embedding(20, 8), nn.Linear(1, 8), nn.Linear(8, 2), key

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.head(self.words(batch[self.key]).mean(1) + self.age(batch["age"][:, None]))


@crash("model_not_callable_signature", "forward", KeyError, "tokens")
def batch_under_another_key(faulty: bool) -> Subject:
    samples = [{"input_ids": torch.randint(0, 20, (6,)), "age": torch.rand(()), "label": i % 2} for i in range(8)]
    return subject(TakesBatch("tokens" if faulty else "input_ids"), nn.CrossEntropyLoss(), DataLoader(samples, batch_size=4))


class Masked(nn.Module):
    """A mean over the tokens that count."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 8), nn.Linear(8, 2)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        mask = mask.unsqueeze(-1).float()
        return self.head((self.embedding(tokens) * mask).sum(1) / mask.sum(1))


@crash("model_not_callable_signature", "forward", TypeError, "missing 1 required positional argument: 'mask'", loop=True)
def mask_that_the_loader_does_not_give(faulty: bool) -> Subject:
    tokens = torch.randint(1, 20, (8, 6))
    columns = (tokens, labels(8, 2)) if faulty else (tokens, tokens > 4, labels(8, 2))
    return subject(Masked(), nn.CrossEntropyLoss(), loader(*columns))


@crash("model_not_callable_signature", "forward", TypeError, "linear(): argument 'input' (position 1) must be Tensor, not tuple")
def lstm_in_a_chain(faulty: bool) -> Subject:
    """An LSTM gives a tuple, which the next layer of a Sequential can't take."""

    class Last(nn.Module):
        def forward(self, given: tuple[Tensor, tuple[Tensor, Tensor]]) -> Tensor:
            return given[0][:, -1]

    layers: list[nn.Module] = [nn.LSTM(5, 12, batch_first=True)] + ([] if faulty else [Last()])
    return subject(nn.Sequential(*layers, nn.Linear(12, 3)), nn.CrossEntropyLoss(), loader(torch.randn(8, 7, 5), labels(8, 3)))


def _lazy_net() -> nn.Sequential:
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))


@crash("uninitialised_lazy_parameters", "build", ValueError, UNINITIALISED)
def optimizer_before_the_first_call(faulty: bool) -> Subject:
    """Adagrad makes its sums at once; SGD and Adam would have waited for the first step."""
    net, pictures = _lazy_net(), images()
    if not faulty:
        net(pictures[:1])
    optimizer = torch.optim.Adagrad(net.parameters(), lr=1e-2)
    return subject(net, nn.CrossEntropyLoss(), loader(pictures, labels()), optimizer)


class Penalised(nn.Module):
    """A second head that is used only while a flag is set: its lazy weights stay unknown, and the penalty reads them."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.body, self.head = nn.Linear(12, 16), nn.LazyLinear(3)
        self.auxiliary = nn.LazyLinear(1) if faulty else nn.Linear(16, 1)
        self.use_auxiliary = False

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.body(x))
        return self.head(x) + self.auxiliary(x) if self.use_auxiliary else self.head(x)


@crash("uninitialised_lazy_parameters", "loss", ValueError, UNINITIALISED)
def penalty_on_weights_never_called(faulty: bool) -> Subject:
    net = Penalised(faulty)

    def loss_fn(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target) + 1e-4 * sum(p.square().sum() for p in net.parameters())

    return subject(net, loss_fn, loader(torch.randn(8, 12), labels(8, 3)), loss_fn="loss_fn")


class Cosine(nn.Module):
    """A classifier by angles: it reads the weight of its lazy head and never calls the head."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.body = nn.Sequential(nn.LazyLinear(16), nn.ReLU())
        self.prototypes = nn.LazyLinear(5, bias=False) if faulty else nn.Linear(16, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return 10 * F.linear(F.normalize(self.body(x)), self.prototypes.weight)


@crash("uninitialised_lazy_parameters", "forward", ValueError, UNINITIALISED)
def weight_read_before_the_first_call(faulty: bool) -> Subject:
    return subject(Cosine(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 5)))


@crash("uninitialised_lazy_parameters", "build", ValueError, UNINITIALISED)
def parameters_counted_too_early(faulty: bool) -> Subject:
    net, pictures = _lazy_net(), images()
    if not faulty:
        net(pictures[:1])
    rate = 1.0 / sum(p.numel() for p in net.parameters())
    return subject(net, nn.CrossEntropyLoss(), loader(pictures, labels()), torch.optim.SGD(net.parameters(), lr=rate))


@crash("bias_before_bn", "silent")
def convolution_with_a_bias_before_batch_norm(faulty: bool) -> Subject:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=faulty), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10)
    )
    return subject(net, nn.CrossEntropyLoss(), loader(images(), labels()))


class Projector(nn.Module):
    """The head of a self-supervised method: linear layers, each with its norm."""

    def __init__(self, bias: bool):
        super().__init__()
        self.fc1, self.bn1, self.fc2 = nn.Linear(12, 16, bias=bias), nn.BatchNorm1d(16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.relu(self.bn1(self.fc1(x))))


@crash("bias_before_bn", "silent")
def linear_layer_with_a_bias_before_batch_norm(faulty: bool) -> Subject:
    return subject(Projector(faulty), nn.MSELoss(), loader(torch.randn(8, 12), torch.randn(8, 4)), model="projector")
