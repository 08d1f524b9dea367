"""Which split would tell more, what it would tell, and the line that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import BiasVariance
    from .cutting import Cut

_TRAIN_VAL = """tells variance from shift: hold some of the training data back BEFORE training, and train again without them;
a cut from data that the model was trained on is no train-val: train, train_val = random_split(train_set, [0.9, 0.1], generator)"""
_TEST_VAL = """tells shift from validation over-fitting: cut it from data like those of test, which needs no new training:
test_val, test = random_split(test_set, [0.5, 0.5], generator)"""
_IRREDUCIBLE = """tells bias from what nobody could avoid: how a person does (--human 0.02), labels of several annotators
(--annotations), or a published value (--target)"""
_TEST = "tells whether choices were made on the validation set too often: data that no decision has seen"
_TRAIN = "tells bias from all that follows: the data that the model was trained on"


def missing(seen: BiasVariance) -> list[tuple[str, str]]:
    """(what, how) of each rung that is not there."""
    asked = {"irreducible": _IRREDUCIBLE, "train": _TRAIN, "train_val": _TRAIN_VAL, "test_val": _TEST_VAL, "test": _TEST}
    names = {"irreducible": "an irreducible level", "train_val": "a train-val split", "test_val": "a test-val split"}
    there = {rung.role for rung in seen.levels}
    found = [(names.get(role, f"a {role} split"), " ".join(how.split())) for role, how in asked.items() if role not in there]
    return [*found, *((f"more time for {role}", "nothing of it was read; --budget gives more seconds") for role in seen.not_read)]


def cut_in_words(cut: Cut) -> str:
    """What was cut, and what it is good for."""
    if not cut.chosen:
        return f"{cut.role} can't be cut from {cut.source}: its samples have no numbers to take them by."
    start = f"{cut.role} can be cut from {cut.source}: {len(cut.chosen)} samples, {cut.how}; {len(cut.left)} are left."
    if cut.role == "train_val":
        return f"{start} The model was trained on them: they are no train-val until it is trained again on what is left."
    return f"{start} They are a test-val at once, because nothing was trained on test."


def cut_in_code(cut: Cut) -> str:
    """The lines that make it, from the entries in the report."""
    return f"""cut, whole = report.splits(), {cut.source}_set   # the dataset behind {cut.source}
{cut.role}_set, {cut.source}_set = (torch.utils.data.Subset(whole, cut[name]) for name in ("{cut.role}", "{cut.source}"))"""
