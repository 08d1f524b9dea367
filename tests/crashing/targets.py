"""Targets that do not fit the loss: their shape, their kind, their range."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject

MULTI = "0D or 1D target tensor expected, multi-target not supported"


class LanguageModel(nn.Module):
    """Predicts the next letter at every place."""

    def __init__(self, classes_second: bool):
        super().__init__()
        self.embedding, self.lstm, self.decoder = nn.Embedding(11, 8), nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 11)
        self.classes_second = classes_second

    def forward(self, letters: Tensor) -> Tensor:
        logits = self.decoder(self.lstm(self.embedding(letters))[0])
        return logits.transpose(1, 2) if self.classes_second else logits


@crash("class_dim_wrong", "loss", RuntimeError, "Expected target size [4, 11], got [4, 7]")
def language_model_with_classes_last(faulty: bool) -> Subject:
    text = torch.randint(0, 11, (8, 8))
    return subject(LanguageModel(not faulty), nn.CrossEntropyLoss(), loader(text[:, :-1], text[:, 1:]), model="lm")


class Tagger(nn.Module):
    """A transformer encoder that names each token."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(25, 16)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True), 1)
        self.tags = nn.Linear(16, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.tags(self.encoder(self.embedding(tokens)))


@crash("class_dim_wrong", "loss", RuntimeError, "Expected target size [4, 5], got [4, 9]")
def tags_in_a_functional_loss(faulty: bool) -> Subject:
    def loss_fn(output: Tensor, tags: Tensor) -> Tensor:
        if faulty:
            return F.cross_entropy(output, tags)
        return F.cross_entropy(output.permute(0, 2, 1), tags)

    train = loader(torch.randint(0, 25, (8, 9)), torch.randint(0, 5, (8, 9)))
    return subject(Tagger(), loss_fn, train, model="tagger", loss_fn="loss_fn")


class Segmenter(nn.Module):
    """Gives every pixel a class; the last line brings the classes to the end."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()), nn.Conv2d(8, 4, 1)
        self.faulty = faulty

    def forward(self, x: Tensor) -> Tensor:
        logits = self.head(self.body(x))
        return logits.permute(0, 2, 3, 1) if self.faulty else logits


@crash("class_dim_wrong", "loss", RuntimeError, "size mismatch (got input: [4, 12, 12, 4] , target: [4, 12, 12]")
def segmentation_with_classes_last(faulty: bool) -> Subject:
    return subject(Segmenter(faulty), nn.CrossEntropyLoss(), loader(images(8, 3, 12), torch.randint(0, 4, (8, 12, 12))))


def _classifier(classes: int, features: int = 12) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, classes))


@crash("num_classes_mismatch", "loss", IndexError, "Target 3 is out of bounds.")
def head_of_another_dataset(faulty: bool) -> Subject:
    """The head was made for three classes; the labels run 0..5."""
    return subject(_classifier(3 if faulty else 6), nn.CrossEntropyLoss(), loader(torch.randn(12, 12), labels(12, 6)))


@crash(
    "num_classes_mismatch",
    "loss",
    ValueError,
    "Target size (torch.Size([4, 6])) must be the same as input size (torch.Size([4, 5]))",
    accept={"tensor_shape_mismatch": "the two shapes do not meet, whatever the last axis means"},
)
def one_tag_forgotten(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5 if faulty else 6))
    tags = (torch.rand(8, 6) > 0.5).float()
    return subject(net, nn.BCEWithLogitsLoss(), loader(images(), tags), model="tagger")


class SceneParser(nn.Module):
    """An encoder and a decoder; the background counts as a class, too."""

    def __init__(self, classes: int):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        self.decoder = nn.ConvTranspose2d(8, classes, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.decoder(self.encoder(x)), dim=1)


@crash("num_classes_mismatch", "loss", IndexError, "Target 3 is out of bounds.")
def background_is_a_class_too(faulty: bool) -> Subject:
    masks = torch.arange(8 * 144).view(8, 12, 12) % 4
    return subject(SceneParser(3 if faulty else 4), nn.NLLLoss(), loader(images(8, 3, 12), masks))


@crash("label_out_of_range", "loss", IndexError, "Target 3 is out of bounds.")
def labels_from_one(faulty: bool) -> Subject:
    numbers = labels(12, 3) + 1
    return subject(
        _classifier(3, 4), nn.CrossEntropyLoss(), loader(torch.randn(12, 4), numbers if faulty else numbers - 1), model="iris_net"
    )


@crash("label_out_of_range", "loss", IndexError, "Target 255 is out of bounds.")
def void_pixels(faulty: bool) -> Subject:
    """Masks whose border is 255, as in VOC: they are to be ignored."""
    masks = torch.randint(0, 4, (8, 12, 12))
    masks[:, 0] = 255
    loss_fn = nn.CrossEntropyLoss() if faulty else nn.CrossEntropyLoss(ignore_index=255)
    return subject(Segmenter(False), loss_fn, loader(images(8, 3, 12), masks))


@crash("label_out_of_range", "loss", IndexError, "Target -1 is out of bounds.")
def padding_of_minus_one(faulty: bool) -> Subject:
    text = torch.randint(0, 11, (8, 7))
    following = text.roll(-1, 1)
    following[:, -1] = -1 if faulty else -100
    return subject(LanguageModel(True), nn.CrossEntropyLoss(), loader(text, following))


@crash("labels_2d", "loss", RuntimeError, MULTI)
def labels_in_a_column(faulty: bool) -> Subject:
    column = labels(8, 3)[:, None]
    return subject(_classifier(3), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), column if faulty else column.squeeze(1)))


class GatedRecurrent(nn.Module):
    """A GRU cell called in a loop, and log-probabilities of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(5, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 12)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return torch.log_softmax(self.head(state), 1)


@crash("labels_2d", "loss", RuntimeError, MULTI)
def classes_in_a_column_for_nll(faulty: bool) -> Subject:
    column = labels(8, 3).unsqueeze(1)
    return subject(GatedRecurrent(), F.nll_loss, loader(torch.randn(8, 6, 5), column if faulty else column.flatten()), loss_fn="F.nll_loss")


@crash(
    "labels_2d",
    "loss",
    RuntimeError,
    "only batches of spatial targets supported (3D tensors) but got targets of dimension: 4",
    accept={"extra_singleton_dim": "the axis to drop is the mask's channel, of size 1"},
)
def masks_with_a_channel(faulty: bool) -> Subject:
    masks = torch.randint(0, 4, (8, 1, 12, 12))
    return subject(Segmenter(False), nn.CrossEntropyLoss(), loader(images(8, 3, 12), masks if faulty else masks[:, 0]))


@crash("labels_wrong_dtype", "loss", RuntimeError, "expected target dtype to be Long or Byte, but got Float")
def classes_read_as_floats(faulty: bool) -> Subject:
    numbers = labels(8, 3).float()
    return subject(_classifier(3), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), numbers if faulty else numbers.long()))


@crash("labels_wrong_dtype", "loss", RuntimeError, "expected target dtype to be Long or Byte, but got Int")
def masks_of_short_integers(faulty: bool) -> Subject:
    masks = torch.randint(0, 4, (8, 12, 12), dtype=torch.int32)
    return subject(Segmenter(False), nn.CrossEntropyLoss(), loader(images(8, 3, 12), masks if faulty else masks.long()))


class Ranker(nn.Module):
    """One score a row."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).squeeze(-1)


@crash("labels_wrong_dtype", "loss", RuntimeError, "result type Float can't be cast to the desired output type Long")
def yes_and_no_as_integers(faulty: bool) -> Subject:
    clicked = labels(8, 2)
    return subject(Ranker(), nn.BCEWithLogitsLoss(), loader(torch.randn(8, 12), clicked if faulty else clicked.float()), model="ranker")


@crash("labels_wrong_dtype", "loss", RuntimeError, "Found dtype Long but expected Float")
def probabilities_against_integers(faulty: bool) -> Subject:
    def loss_fn(output: Tensor, clicked: Tensor) -> Tensor:
        return F.binary_cross_entropy(torch.sigmoid(output), clicked if faulty else clicked.to(output.dtype))

    return subject(Ranker(), loss_fn, loader(torch.randn(8, 12), labels(8, 2)), model="ranker", loss_fn="loss_fn")


@crash("one_hot_to_ce", "loss", RuntimeError, "Expected floating point type for target with class probabilities, got Long")
def one_hot_labels(faulty: bool) -> Subject:
    numbers = labels(8, 3)
    return subject(_classifier(3), nn.CrossEntropyLoss(), loader(torch.randn(8, 12), F.one_hot(numbers, 3) if faulty else numbers))


@crash("one_hot_to_ce", "loss", RuntimeError, MULTI)
def one_hot_labels_for_nll(faulty: bool) -> Subject:
    numbers = labels(8, 3)
    return subject(GatedRecurrent(), nn.NLLLoss(), loader(torch.randn(8, 6, 5), F.one_hot(numbers) if faulty else numbers))


UNIT = "all elements of input should be between 0 and 1"


@crash("bce_on_logits", "loss", RuntimeError, UNIT)
def raw_scores_into_bce(faulty: bool) -> Subject:
    loss_fn = nn.BCELoss() if faulty else nn.BCEWithLogitsLoss()
    return subject(Ranker(), loss_fn, loader(torch.randn(8, 12), labels(8, 2).float()), model="ranker")


class PixelVAE(nn.Module):
    """A variational autoencoder of 8x8 pictures, with its loss inside."""

    def __init__(self, faulty: bool):
        super().__init__()
        self.encoder, self.mean, self.log_variance = nn.Sequential(nn.Linear(64, 32), nn.ReLU()), nn.Linear(32, 4), nn.Linear(32, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 64))
        self.faulty = faulty

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x.flatten(1))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        picture = self.decoder(code)
        return picture if self.faulty else torch.sigmoid(picture), mean, log_variance


def negative_elbo(output: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
    """Reconstruction and divergence, as in the examples of torch."""
    picture, mean, log_variance = output
    reconstruction = F.binary_cross_entropy(picture, x.flatten(1), reduction="sum")
    return reconstruction - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


@crash("bce_on_logits", "loss", RuntimeError, UNIT)
def decoder_without_sigmoid(faulty: bool) -> Subject:
    pictures = images(8, 1, 8)
    return subject(PixelVAE(faulty), negative_elbo, loader(pictures, pictures), model="vae", loss_fn="negative_elbo")


@crash("bce_on_logits", "loss", RuntimeError, UNIT)
def masks_of_raw_scores(faulty: bool) -> Subject:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    if not faulty:
        net.append(nn.Sigmoid())
    pictures = images(8, 3, 12)
    return subject(net, F.binary_cross_entropy, loader(pictures, (pictures[:, :1] > 0.5).float()), loss_fn="F.binary_cross_entropy")
