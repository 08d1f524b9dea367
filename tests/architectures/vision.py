"""Networks for pictures, from LeNet's time to ours."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.crashing.joins import BasicBlock, UNet

from .architecture import Made, architecture


@architecture
def conv_net() -> Made:
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 49, 10),
    )
    return net, (torch.rand(4, 1, 14, 14),)


class VGG(nn.Module):
    """Its layers made from a list, its head with dropout."""

    def __init__(self, plan: tuple[int | str, ...] = (8, 8, "M", 16, 16, "M", 32, "M")):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for step in plan:
            if isinstance(step, str):
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(channels, step, 3, padding=1), nn.ReLU(inplace=True)]
                channels = step
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(nn.Linear(channels * 4, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        x = torch.flatten(x, 1)
        return self.classifier(x)


@architecture
def vgg() -> Made:
    return VGG(), (torch.rand(4, 3, 32, 32),)


class Bottleneck(nn.Module):
    """Narrow, wide, and a way around; one ReLU is called three times."""

    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        around = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
        self.downsample = around if stride != 1 or inputs != 4 * width else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """A stem, three stages, a mean and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.layer1 = nn.Sequential(BasicBlock(8, 8, 1, False), BasicBlock(8, 8, 1, False))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2, True), Bottleneck(16, 4))
        self.layer3 = Bottleneck(16, 8, 2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.fc(x.mean(dim=[2, 3]))


@architecture
def resnet() -> Made:
    return ResNet(), (torch.rand(4, 3, 64, 64),)


class DenseLayer(nn.Module):
    """Takes a list of maps, gives new ones."""

    def __init__(self, inputs: int, growth: int):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(features, 1))))


class DenseNet(nn.Module):
    """All layers of a block read all maps before them; they live in a ModuleDict, as in torchvision."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.ModuleDict({f"denselayer{i}": DenseLayer(8 + 4 * i, 4) for i in range(3)})
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2))
        self.head = nn.Linear(10, 5)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for layer in self.block.values():
            features.append(layer(features))
        x = self.transition(torch.cat(features, 1))
        return self.head(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


@architecture
def densenet() -> Made:
    return DenseNet(), (torch.rand(4, 3, 16, 16),)


class Inception(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int):
        super().__init__()
        self.one = nn.Conv2d(inputs, 4, 1)
        self.three = nn.Sequential(
            nn.Conv2d(inputs, 4, 1), nn.ReLU(), nn.Conv2d(4, 6, (1, 3), padding=(0, 1)), nn.Conv2d(6, 6, (3, 1), padding=(1, 0))
        )
        self.five = nn.Sequential(nn.Conv2d(inputs, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 5, padding=2))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(inputs, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in (self.one, self.three, self.five, self.pool)], 1)


@architecture
def inception() -> Made:
    net = nn.Sequential(Inception(3), nn.ReLU(), Inception(16), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return net, (torch.rand(4, 3, 12, 12),)


@architecture
def unet() -> Made:
    return UNet(True), (torch.rand(4, 1, 18, 18),)


class InvertedResidual(nn.Module):
    """Wide, depthwise, narrow again."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int):
        super().__init__()
        hidden = inputs * expand
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.use_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_residual else self.conv(x)


@architecture
def mobilenet() -> Made:
    blocks = [InvertedResidual(8, 8, 1, 2), InvertedResidual(8, 12, 2, 3), InvertedResidual(12, 12, 1, 3)]
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *blocks, nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10))
    return net, (torch.rand(4, 3, 32, 32),)


class SqueezeExcite(nn.Module):
    """Weighs each channel by what all of them say."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, channels // 2), nn.Linear(channels // 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((-2, -1))))))
        return x * scale[..., None, None]


@architecture
def squeeze_excite() -> Made:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.SiLU(), SqueezeExcite(8), nn.Conv2d(8, 8, 3, groups=2), SqueezeExcite(8), nn.Flatten())
    return net.append(nn.Linear(8 * 64, 4)), (torch.rand(4, 3, 12, 12),)


class ConvNextBlock(nn.Module):
    """Channels go last for the norm and the dense layers, and come back."""

    def __init__(self, width: int):
        super().__init__()
        self.dwconv, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.pwconv1, self.pwconv2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(1e-6 * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


@architecture
def convnext() -> Made:
    net = nn.Sequential(
        nn.Conv2d(3, 12, 4, 4), ConvNextBlock(12), ConvNextBlock(12), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10)
    )
    return net, (torch.rand(4, 3, 32, 32),)


class Mixer(nn.Module):
    """Mixes patches, then channels: its Linears stand on the last axis on purpose."""

    def __init__(self, patches: int = 16, width: int = 12):
        super().__init__()
        self.embed = nn.Conv2d(3, width, 4, 4)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(patches, 20), nn.GELU(), nn.Linear(20, patches))
        self.channels = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norm2(x))
        return self.head(x.mean(1))


@architecture
def mlp_mixer() -> Made:
    return Mixer(), (torch.rand(4, 3, 16, 16),)


class FeaturePyramid(nn.Module):
    """Maps of three sizes, each with the coarser ones added; gives a dict, as detection models do."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.ModuleList([nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)])
        self.lateral = nn.ModuleList(nn.Conv2d(width, 8, 1) for width in (8, 16, 32))
        self.smooth = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = []
        for stage in self.body:
            x = F.relu(stage(x))
            maps.append(x)
        found: dict[str, Tensor] = {}
        above: Tensor | None = None
        for level in reversed(range(3)):
            here = self.lateral[level](maps[level])
            above = here if above is None else here + F.interpolate(above, scale_factor=2, mode="nearest")
            found[f"p{level}"] = self.smooth(above)
        return found


@architecture
def feature_pyramid() -> Made:
    return FeaturePyramid(), (torch.rand(2, 3, 32, 32),)


@architecture
def video_net() -> Made:
    net = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d((1, 2, 2)), nn.Conv3d(8, 8, (3, 1, 1)))
    return net.append(nn.AdaptiveAvgPool3d(1)).append(nn.Flatten()).append(nn.Linear(8, 5)), (torch.rand(2, 3, 6, 12, 12),)
