"""Which split would tell more, what it would tell, and the line that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import BiasVariance
    from .cutting import Cut

_TRAIN_VAL = """tells variance from shift: hold some of the training data back BEFORE training, and train again without them;
a cut from data that the model was trained on is no train-val"""
_TEST_VAL = "tells shift from validation over-fitting: cut it from data like those of test, which needs no new training"
_IRREDUCIBLE = """tells bias from what nobody could avoid: how a person does (--human 0.02), labels of several annotators
(--annotations), a strong model (--reference), or a published value (--target)"""
_TEST = "tells whether choices were made on the validation set too often: data that no decision has seen"
_TRAIN = "tells bias from all that follows: the data that the model was trained on"


def missing(seen: BiasVariance) -> list[tuple[str, str]]:
    """(what, how) of each rung that is not there."""
    asked = {"irreducible": _IRREDUCIBLE, "train": _TRAIN, "train_val": _TRAIN_VAL, "test_val": _TEST_VAL, "test": _TEST}
    names = {"irreducible": "an irreducible level", "train_val": "a train-val split", "test_val": "a test-val split"}
    lacking = [role for role in asked if seen.rung(role) is None]
    found = [(names.get(role, f"a {role} split"), f"{' '.join(asked[role].split())}{_lines(seen, role)}") for role in lacking]
    return [*found, *((f"more time for {role}", "nothing of it was read; --budget gives more seconds") for role in seen.not_read)]


def cut_in_words(cut: Cut) -> str:
    """What was cut, and what it is good for."""
    if not cut.chosen:
        return f"{cut.role} can't be cut from {cut.source}: its samples have no numbers to take them by."
    start = f"{cut.role} can be cut from {cut.source}: {len(cut.chosen)} samples, {cut.how}; {len(cut.left)} are left."
    if cut.role == "train_val":
        return f"{start} The model was trained on them: they are no train-val until it is trained again on what is left."
    return f"{start} They are a test-val at once, because nothing was trained on test."


def _lines(seen: BiasVariance, role: str) -> str:
    """Where the lines are that cut a split; nothing where there are none."""
    source, cut = role.partition("_")[0], next((cut for cut in seen.cuts if cut.role == role), None)
    if not role.endswith("_val") or seen.rung(source) is None or (cut is not None and not cut.chosen):
        return ""
    return "; the lines stand above" if cut is not None else "; --make-splits prints the lines"


def cut_in_code(cut: Cut) -> str:
    """The lines that make it, from the entries in the report."""
    return f"""cut = report.splits({cut.source}={cut.name})
{cut.role}_set, {cut.source}_set = cut["{cut.role}"], cut["{cut.source}"]"""
