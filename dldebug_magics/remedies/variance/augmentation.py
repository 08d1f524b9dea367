"""Data augmentation that fits what the samples are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.augmented import jittered, moved
from ...cures.more_dropout import of_words
from ...engine.call import split
from ...engine.nested import tensors
from ...engine.remedy import Change, NotPiloted, remedy
from ...engine.subject import Subject
from ...instruments.columns import columns_of
from ...instruments.evaluation.augmentation import unaugmented
from ...instruments.layer_order import layer_order
from ...instruments.modality import PICTURES, ROWS, SERIES, TOKENS, form_of, main_input
from ..fitting import fitting

_SHARE = 0.1


@remedy(place=3)
def augmentation(subject: Subject) -> Iterator[Change | NotPiloted]:
    """Augment the training data: changed copies that keep their label.

    Pictures are moved by up to a tenth of their size and turned by up to ten degrees, coloured ones mirrored as well; rows and series get
    noise of a tenth of each continuous column's deviation; of texts a tenth of the tokens is left out (word dropout).

    Not this when: the change can change the label: a mirrored digit, a turned 6, a text without its "not".
    Costs: time to load; training takes more passes.
    See: FSDL, "addressing over-fitting (reducing variance)", C; Shorten & Khoshgoftaar 2019; Bishop 1995, "Training with noise is
    equivalent to Tikhonov regularization"; Iyyer et al. 2015.
    """
    kind, train = form_of(subject).kind, subject.name("train")
    if unaugmented(subject.train, "train", subject.seed)[1] is not None:
        yield NotPiloted(f"`{train}` is augmented: its samples are drawn anew at each reading", fits=False)
    elif kind == PICTURES and not _stays(subject):
        yield NotPiloted(
            "the targets may move with the pictures (a mask, a place), and this knows how to move the pictures only", fits=False
        )
    elif kind == PICTURES:
        yield from fitting(subject, *([change] for change in _of_pictures(subject)), why="no copy ran on pictures that were moved")
    elif kind in (ROWS, SERIES):
        yield from _of_values(subject, kind)
    elif kind == TOKENS:
        yield from _of_tokens(subject)
    else:
        yield NotPiloted(f"it can't be told what kind of data `{train}` holds, and so which changes keep the labels")


def _of_pictures(subject: Subject) -> Iterator[Change]:
    form, train = form_of(subject), subject.name("train")
    given = main_input(subject, subject.batch)
    colours = form.axis is not None and given is not None and given.shape[form.axis] > 1
    code = f"# in the transform of {train}: torchvision.transforms.RandomAffine(10, translate=(0.1, 0.1))"
    words = "pictures moved by up to a tenth and turned by up to 10 degrees"
    risk = "not where the place or the direction is what the label says" + (
        "" if colours else "; not mirrored: digits and letters can't be"
    )
    yield Change(words, code, before=moved(form.axis), risk=risk)
    if colours:
        mirrored = f"{code}\n# and torchvision.transforms.RandomHorizontalFlip()"
        yield Change(
            f"{words}, half of them mirrored", mirrored, before=moved(form.axis, mirrored=True), risk="not where left and right matter"
        )


def _of_values(subject: Subject, kind: str) -> Iterator[Change | NotPiloted]:
    found = columns_of(subject, subject.train)
    if found is None or not bool(found.continuous.any()):
        yield NotPiloted("no continuous column, and noise would make other things of categories", fits=False)
        return
    if _reproduced(subject):
        yield NotPiloted("the targets are the inputs: noise would be learned, too", fits=False)
        return
    size = found.deviation.where(found.continuous, torch.zeros(())) * _SHARE
    word = "column" if kind == ROWS else "channel"
    code = f"# in each pass: x + 0.1 * deviation * torch.randn_like(x), for the continuous {word}s of {subject.name('train')}"
    change = Change(
        f"noise of a tenth of each continuous {word}'s deviation", code, before=jittered(size), risk="hides what is fine in them"
    )
    yield from fitting(subject, [change], why="no copy ran on noisy inputs")


def _of_tokens(subject: Subject) -> Iterator[Change | NotPiloted]:
    first = next((layer for layer in layer_order(subject) if isinstance(layer.module, nn.Embedding)), None)
    code = f"# in {subject.name('model')}.forward, in training: x = x * F.dropout(torch.ones_like(x[..., :1]), 0.1) behind the embedding"
    name = first.name if first is not None else ""
    change = Change(
        "a tenth of the tokens left out", code, before=of_words(name, _SHARE), risk="a left-out word may be the one that counts"
    )
    yield from fitting(subject, [change] if first is not None else [], why="no embedding that could leave tokens out was found")


def _stays(subject: Subject) -> bool:
    """Whether what the targets say of a picture is the same of a moved one: a class, one value, or flags, or the picture itself."""
    targets = list(tensors(split(subject, subject.batch)[2]))
    one = [t.ndim < 2 or t[0].numel() == 1 or (t.ndim == 2 and bool(((t >= 0) & (t <= 1)).all())) for t in targets]
    return all(one) or _reproduced(subject)


def _reproduced(subject: Subject) -> bool:
    given, targets = main_input(subject, subject.batch), split(subject, subject.batch)[2]
    return any(t is given for t in tensors(targets))
