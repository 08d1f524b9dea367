"""Modules put together in unusual ways: shared, chosen, lazy, checkpointed, parametrised; inputs and outputs of all forms."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

from .architecture import Made, architecture


class Siamese(nn.Module):
    """One encoder, called for each side."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 6))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return F.cosine_similarity(self.encoder(left), self.encoder(right))


@architecture
def siamese() -> Made:
    return Siamese(), (torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8))


class Switched(nn.Module):
    """Layers in a ModuleList, activations and heads in ModuleDicts; only what is asked for is called."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(10, 10) for _ in range(3))
        self.acts = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.heads = nn.ModuleDict({"age": nn.Linear(10, 1), "sex": nn.Linear(10, 2), "unused": nn.Linear(10, 4)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for layer, act in zip(self.layers, ("relu", "tanh", "relu"), strict=True):
            x = x + self.acts[act](layer(x))
        return {task: self.heads[task](x) for task in ("age", "sex")}


@architecture
def lists_and_dicts_of_modules() -> Made:
    return Switched(), (torch.randn(4, 10),)


class GraphConv(nn.Module):
    """Mixes each node with its neighbours, by a product with the adjacency."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(0.3 * torch.randn(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, nodes: Tensor, adjacency: Tensor) -> Tensor:
        return adjacency @ (nodes @ self.weight) + self.bias


class GraphNet(nn.Module):
    """Two such layers; the nodes share the first axis with nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = GraphConv(5, 8), GraphConv(8, 3)

    def forward(self, nodes: Tensor, adjacency: Tensor) -> Tensor:
        return self.two(F.elu(self.one(nodes, adjacency)), adjacency).log_softmax(dim=-1)


@architecture
def graph_convolution() -> Made:
    edges = (torch.rand(11, 11) > 0.6).float() + torch.eye(11)
    return GraphNet(), (torch.randn(11, 5), edges / edges.sum(1, keepdim=True))


class TwoTowers(nn.Module):
    """Two inputs, one of them by name, and three outputs, one of them None."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.table, self.classes, self.value = nn.Linear(5, 8), nn.Linear(16, 4), nn.Linear(16, 1)

    def forward(self, picture: Tensor, *, table: Tensor, extra: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
        joined = torch.cat([self.picture(picture), torch.relu(self.table(table))], dim=1)
        return self.classes(joined), self.value(joined).squeeze(-1), extra


@architecture
def several_inputs_and_outputs() -> Made:
    return TwoTowers(), {"picture": torch.rand(4, 3, 12, 12), "table": torch.randn(4, 5)}


@dataclasses.dataclass
class Detection:
    """What a detector found."""

    scores: Tensor
    boxes: Tensor
    maps: list[Tensor]


class Detector(nn.Module):
    """Takes the batch as a dict, and gives a dataclass."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.scores, self.boxes = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 1), nn.Conv2d(8, 4, 1)

    def forward(self, batch: dict[str, Tensor]) -> Detection:
        maps = F.relu(self.body(batch["image"] * batch["scale"][:, None, None, None]))
        return Detection(self.scores(maps), self.boxes(maps).sigmoid(), [maps])


@architecture
def dict_input_and_dataclass_output() -> Made:
    return Detector(), ({"image": torch.rand(2, 3, 8, 8), "scale": torch.ones(2)},)


@architecture
def lazy_modules() -> Made:
    net = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(4))
    return net, (torch.rand(4, 3, 8, 8),)


class Deciding(nn.Module):
    """Runs another branch, and another number of times, for other values."""

    def __init__(self) -> None:
        super().__init__()
        self.refine, self.small, self.large = nn.Linear(6, 6), nn.Linear(6, 2), nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, x: Tensor) -> Tensor:
        steps = 0
        while x.norm() > 3 and steps < 4:
            x, steps = torch.tanh(self.refine(x)) * 0.8, steps + 1
        return self.large(x) if x.mean() > 0 else self.small(x)


@architecture
def decided_by_the_data() -> Made:
    return Deciding(), (3 * torch.randn(4, 6),)


@architecture
def weight_normalised() -> Made:
    net = nn.Sequential(weight_norm(nn.Conv1d(3, 8, 3)), nn.LeakyReLU(), nn.Flatten(), weight_norm(nn.Linear(8 * 8, 4)))
    return net, (torch.randn(4, 3, 10),)


class Checkpointed(nn.Module):
    """Blocks that are run again in the backward pass instead of being remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12)) for _ in range(3))
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + checkpoint(block, x, use_reentrant=False)
        return self.head(x)


@architecture
def checkpointed_blocks() -> Made:
    return Checkpointed(), (torch.randn(4, 12),)


@architecture
def nested_chains() -> Made:
    inner = nn.Sequential(
        nn.Unflatten(1, (2, 3, 4)), nn.Sequential(nn.Conv2d(2, 4, 1), nn.Sequential(nn.ReLU(), nn.Flatten(2))), nn.Flatten()
    )
    return nn.Sequential(nn.Linear(10, 24), inner, nn.Sequential(nn.Linear(48, 8), nn.Identity())), (torch.randn(4, 10),)


@architecture
def on_the_meta_device() -> Made:
    """Wide enough that nobody would want it in memory: 400 million parameters."""
    layers = [nn.Linear(10_000, 10_000, device="meta"), nn.ReLU(), nn.Linear(10_000, 30_000, device="meta")]
    return nn.Sequential(*layers), (torch.empty(32, 10_000, device="meta"),)


class Fork(nn.Module):
    """The same layer under two names, a parameter of its own, a buffer, and a part that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(6, 6)
        self.alias = self.encoder
        self.frozen = nn.Sequential(nn.Linear(6, 6), nn.ReLU()).requires_grad_(False)
        self.gain = nn.Parameter(torch.ones(6))
        self.register_buffer("offset", torch.zeros(6))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * self.frozen(self.alias(self.encoder(x))) - self.offset


@architecture
def one_layer_under_two_names() -> Made:
    return Fork(), (torch.randn(4, 6),)


class Hypernet(nn.Module):
    """A net that makes the weights of another, which lives in functions only."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Linear(3, 5 * 4 + 5)

    def forward(self, x: Tensor, task: Tensor) -> Tensor:
        weight, bias = self.maker(task).split([20, 5], dim=-1)
        hidden = torch.baddbmm(bias[:, None], x, weight.view(-1, 5, 4).mT)
        return F.normalize(hidden.relu(), dim=-1).amax(1)


@architecture
def weights_made_by_a_net() -> Made:
    return Hypernet(), (torch.randn(2, 7, 4), torch.randn(2, 3))


@architecture
def half_precision() -> Made:
    net = nn.Sequential(nn.Linear(16, 32), nn.SiLU(), nn.RMSNorm(32), nn.Linear(32, 8)).to(torch.bfloat16)
    return net, (torch.randn(4, 16, dtype=torch.bfloat16),)
