"""Programs whose forward pass is fine and whose backward pass is not."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject

IN_PLACE = "one of the variables needed for gradient computation has been modified by an inplace operation"
TWICE = "Trying to backward through the graph a second time"
SCALAR = "grad can be implicitly created only for scalar outputs"


class Gated(nn.Module):
    """A gate whose value is still needed when it is changed in place."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.gate, self.value, self.head, self.faulty = nn.Linear(12, 16), nn.Linear(12, 16), nn.Linear(16, 3), faulty

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        mixed = gate * self.value(x)
        if self.faulty:
            gate += 1
        else:
            gate = gate + 1
        return self.head(mixed / gate)


@crash("inplace_autograd_error", "backward", RuntimeError, IN_PLACE)
def gate_changed_in_place(faulty: bool) -> Subject:
    return subject(Gated(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 3)))


class Excited(nn.Module):
    """A squeeze-and-excite block: its product still needs the maps when the shortcut's ReLU writes over them."""

    def __init__(self, in_place: bool):
        super().__init__()
        self.conv, self.squeeze = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 8)
        self.relu, self.shortcut = nn.ReLU(inplace=in_place), nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        scale = torch.sigmoid(self.squeeze(x.mean((2, 3))))[:, :, None, None]
        excited = x * scale
        x = excited + self.shortcut(self.relu(x))
        return self.head(x.mean((2, 3)))


@crash("inplace_autograd_error", "backward", RuntimeError, IN_PLACE)
def relu_in_place_on_maps_still_needed(faulty: bool) -> Subject:
    return subject(Excited(faulty), nn.CrossEntropyLoss(), loader(images(), labels()))


class Filled(nn.Module):
    """A cell in a loop that writes its states into one tensor, and reads them back from it."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.cell, self.head, self.faulty = nn.RNNCell(4, 8), nn.Linear(8, 2), faulty

    def forward(self, x: Tensor) -> Tensor:
        states = [x.new_zeros(len(x), 8)]
        written = x.new_zeros(len(x), x.size(1) + 1, 8)
        for t in range(x.size(1)):
            if self.faulty:
                written[:, t + 1] = self.cell(x[:, t], written[:, t])
            else:
                states.append(self.cell(x[:, t], states[-1]))
        return self.head(written[:, -1] if self.faulty else states[-1])


@crash("inplace_autograd_error", "backward", RuntimeError, IN_PLACE)
def states_written_into_one_tensor(faulty: bool) -> Subject:
    return subject(Filled(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 5, 4), labels(8, 2)))


class Decaying(nn.Module):
    """A learned scale that is made smaller at each call."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.scale, self.linear, self.faulty = nn.Parameter(torch.ones(12)), nn.Linear(12, 3), faulty

    def forward(self, x: Tensor) -> Tensor:
        if self.faulty:
            self.scale *= 0.99
            return self.linear(x * self.scale)
        return self.linear(x * (self.scale * 0.99))


@crash("inplace_autograd_error", "forward", RuntimeError, "a leaf Variable that requires grad is being used in an in-place operation")
def parameter_changed_in_place(faulty: bool) -> Subject:
    return subject(Decaying(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), labels(8, 3)))


class Stateful(nn.Module):
    """An LSTM that goes on from where the batch before ended."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.lstm, self.head = nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 1)
        self.state: tuple[Tensor, Tensor] | None = None
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        outputs, state = self.lstm(x, self.state)
        self.state = state if self.faulty else (state[0].detach(), state[1].detach())
        return self.head(outputs[:, -1])


@crash("double_backward", "second pass", RuntimeError, TWICE)
def state_kept_between_batches(faulty: bool) -> Subject:
    return subject(Stateful(faulty), nn.MSELoss(), loader(torch.randn(8, 6, 4), torch.randn(8, 1)), model="lstm")


class Prototypes(nn.Module):
    """A running mean of features, kept by hand."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(8, 10)
        self.register_buffer("mean", torch.zeros(8))
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x)
        seen = features if self.faulty else features.detach()
        self.mean = 0.9 * self.mean + 0.1 * seen.mean(0)
        return self.head(features - self.mean)


@crash("double_backward", "second pass", RuntimeError, TWICE)
def running_mean_with_its_graph(faulty: bool) -> Subject:
    return subject(Prototypes(faulty), nn.CrossEntropyLoss(), loader(images(), labels()))


class Grid(nn.Module):
    """Lifts the places of a grid once, when it is built, though the lift is learned."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.lift, self.value, self.head = nn.Sequential(nn.Linear(1, 8), nn.Tanh()), nn.Linear(3, 8), nn.Linear(8, 2)
        self.places = self._lifted() if faulty else None

    def _lifted(self) -> Tensor:
        return self.lift(torch.linspace(-1, 1, 6)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        places = self._lifted() if self.places is None else self.places
        return self.head((self.value(x) + places).mean(1))


@crash("double_backward", "second pass", RuntimeError, TWICE)
def places_lifted_once(faulty: bool) -> Subject:
    return subject(Grid(faulty), nn.CrossEntropyLoss(), loader(torch.randn(8, 6, 3), labels(8, 2)))


@crash("non_scalar_loss", "backward", RuntimeError, SCALAR)
def one_loss_a_sample(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 49, 10))
    loss_fn = nn.CrossEntropyLoss(reduction="none") if faulty else nn.CrossEntropyLoss()
    return subject(net, loss_fn, loader(images(), labels()))


class Siamese(nn.Module):
    """One encoder for two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return F.pairwise_distance(self.encoder(left), self.encoder(right))


@crash("non_scalar_loss", "backward", RuntimeError, SCALAR)
def contrastive_loss_by_hand(faulty: bool) -> Subject:
    def contrastive(distance: Tensor, same: Tensor) -> Tensor:
        losses = same * distance**2 + (1 - same) * F.relu(1 - distance) ** 2
        return losses if faulty else losses.mean()

    train = loader(torch.randn(8, 10), torch.randn(8, 10), labels(8, 2).float())
    return subject(Siamese(), contrastive, train, model="siamese", loss_fn="contrastive")


@crash("non_scalar_loss", "backward", RuntimeError, SCALAR)
def elbo_a_sample(faulty: bool) -> Subject:
    """Summed over pixels, and never over the batch."""

    def elbo(output: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        picture, mean = output
        losses = F.mse_loss(picture, x, reduction="none").sum(dim=1) + 0.5 * mean.square().sum(dim=1)
        return losses if faulty else losses.mean()

    class Encoded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.decode = nn.Linear(20, 3), nn.Linear(3, 20)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mean = self.encode(x)
            return self.decode(mean + torch.randn_like(mean)), mean

    rows = torch.randn(8, 20)
    return subject(Encoded(), elbo, loader(rows, rows), model="vae", loss_fn="elbo")
