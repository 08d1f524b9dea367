"""Do inputs and labels belong together? What the probes found, and what follows from it."""

from __future__ import annotations

import dataclasses
import math

from .probe import Strength

_NEAR = 1.4  # where it is more, the signal within a split may come from near copies that the other has not


@dataclasses.dataclass(frozen=True)
class Signal:
    """What probes find; None where there was nothing to ask.

    `train` and `val`: labels told from inputs within a split; `val_on_train` and `train_on_val`: fitted on the one, asked about the other.
    `apart`: the split told from the inputs. `structure`: one half of the inputs' columns told from the other. `labels_by_place` and
    `inputs_by_place`: what the sample's number in the dataset says about its label, and its input about the number. `successive`: the next
    sample's input told from one sample's. `shift`: by how many rows labels must be moved for `shifted` to be found. `val_to_train` is the
    distance from a sample of val to the nearest of train, in units of that from one of train to its own nearest; `train_to_val` likewise.
    """

    kind: str
    train: Strength | None = None
    val: Strength | None = None
    val_on_train: Strength | None = None
    train_on_val: Strength | None = None
    apart: Strength | None = None
    val_to_train: float = math.inf
    train_to_val: float = math.inf
    structure: Strength | None = None
    labels_by_place: Strength | None = None
    inputs_by_place: Strength | None = None
    successive: Strength | None = None
    shift: int = 0
    shifted: Strength | None = None

    @property
    def broken(self) -> str:
        """The split whose labels say nothing about its inputs while those of the other, whose inputs are alike, do; '' if none."""
        if self.train is None or self.val is None or self.apart is None or self.apart.r > 0.5:
            return ""
        if (
            self.val.strong
            and self.train_to_val < _NEAR
            and self.train.below(self.val)
            and (self.val_on_train is None or self.val_on_train.below(self.val))
        ):
            return "train"
        if (
            self.train.strong
            and self.val_to_train < _NEAR
            and self.val.below(self.train)
            and (self.train_on_val is None or self.train_on_val.below(self.train))
        ):
            return "val"
        return ""

    @property
    def out_of_order(self) -> bool:
        """Whether labels that say nothing about the inputs stand in an order, and inputs, which have a structure of their own, in none."""
        asked = (self.train, self.structure, self.labels_by_place, self.inputs_by_place)
        train, structure, labels, inputs = asked
        if train is None or structure is None or labels is None or inputs is None or (self.val is not None and not self.val.absent):
            return False
        silent = train.absent and train.samples >= 300 and train.most < 0.3
        return silent and structure.found and labels.found and labels.r > 0.5 and inputs.absent
