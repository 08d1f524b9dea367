from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, default_collate

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, beginning, is_target

_LEAST = 4


@check(severity=Severity.WARNING)
def augmentation_label_mismatch(loop: TrainingLoop) -> Iterator[Evidence]:
    """Images are flipped or turned at random, and their masks are not.

    The map of labels then belongs to another picture than the one that the model sees. Half of the time it is told the truth, and what it
    learns is the average of a map and its mirror image.

    Shows as: a loss that stops high; predictions that are blurred and symmetric.
    Proven by: likely: images that came again as their own mirror image, exactly, with the same map, which the loss is held against.
    Not this when: the maps are symmetric themselves; the labels are classes of whole images.
    Fails: a flip is known where nothing else is changed with it; crops, boxes, keypoints, digits that a flip makes others are not seen.
    See: torchvision.transforms.v2, which transforms images, masks and boxes together; FSDL, "data augmentation".
    """
    for turned in loop.data.turned:
        for how, times in turned.by[:1]:
            given = loop.loaders[turned.loader]
            if times < max(_LEAST, 0.5 * turned.again) or loop.fed[turned.loader] < 2 or not is_target(loop, turned.loader, turned.place):
                continue
            facts = (
                Fact(f"images that came again {how}, with the map of before", f"{times} of {turned.again} that changed", "0"),
                Fact("the loss is held against", f"tensor {turned.place + 1} of each batch of {given.word}", ""),
            )
            code = "image, mask = transforms(tv_tensors.Image(image), tv_tensors.Mask(mask))   # torchvision.transforms.v2"
            fix = Fix("Flip or turn image and map by the same draw.", code)
            yield Evidence(Confidence.LIKELY, facts, at(beginning(loop, turned.loader)), fix)


def _program(both: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    images = torch.randn(32, 1, 8, 8)
    net, maps = nn.Conv2d(1, 2, 3, padding=1), (images[:, 0] > 0).long()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

    def flipped(rows: list) -> tuple[Tensor, Tensor]:
        x, y = default_collate(rows)
        turn = torch.rand(len(x)) < 0.5
        return torch.where(turn[:, None, None, None], x.flip(-1), x), torch.where(turn[:, None, None] & both, y.flip(-1), y)

    batches = DataLoader(TensorDataset(images, maps), batch_size=8, shuffle=True, collate_fn=flipped)

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@augmentation_label_mismatch.bad
def images_alone() -> Callable[[], None]:
    return _program(both=False)


@augmentation_label_mismatch.good
def both_by_one_draw() -> Callable[[], None]:
    return _program(both=True)
