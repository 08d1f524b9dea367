"""A `forward` whose parameters the batch does not have, or that isn't there: which other calls could be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from ...cures.arguments import called, entry_taken, one_by_one, renamed, with_ones
from ...engine.evidence import Confidence, Fact, Fix
from ...engine.subject import Subject
from ..cards.signature import SignatureCard
from .containers import container
from .failure import Failure

_TAUGHT = re.compile(r"tgt|trg|target|label|out|dec|^y")  # teacher forcing: the model reads the target by rights
_MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: '(\w+)'")
_NEEDS_INPUT = re.compile(r"[Yy]ou (?:have to|must) specify (?:exactly one of |either )?`?(\w+)")
Change = tuple[Fact, Confidence, Fix, Callable[[Subject], Subject]]


def calls(failure: Failure, card: SignatureCard) -> Iterator[Change]:
    """The calls that could be meant, the most believable first."""
    if failure.kind == "NotImplementedError" and failure.says('missing the required "forward" function'):
        yield from _without_forward(failure, card)
    if card.keys and container(failure) and failure.origins[:1] and failure.origins[0].kind == "input":
        yield from _of_one_entry(card)
    wanted = _wanted(failure)
    if wanted and card.keys and wanted not in card.keys:
        yield from _by_another_key(wanted, card)
    elif card.doubled and failure.phase in ("forward", "loss") and not _TAUGHT.search(card.doubled):
        fact = Fact(f"what `forward` is given for `{card.doubled}`", "the target: the batch has nothing else", f"a `{card.doubled}`")
        code = f"yield x, torch.ones_like(x), y   # {', '.join(card.needs)}, and the target"
        yield fact, Confidence.LIKELY, Fix(f"Have the loader give `{card.doubled}`, too.", code, f"ones for `{card.doubled}`"), with_ones


def _wanted(failure: Failure) -> str:
    """The name that the program asks for in vain."""
    if failure.kind == "KeyError":
        return failure.message.strip("'\"")
    found = _MISSING.search(failure.message) or _NEEDS_INPUT.search(failure.message)
    return found[1] if found is not None else ""


def _by_another_key(wanted: str, card: SignatureCard) -> Iterator[Change]:
    """The entries of the batch that the model does not know come first, then those with a similar name."""
    fact = Fact("the names in the batch", ", ".join(card.keys), f"`{wanted}` among them")
    known = [key for key in card.keys if key in card.takes]
    near = sorted(card.keys, key=lambda key: (key in known, -difflib.SequenceMatcher(None, key, wanted).ratio()))
    for sure, key in zip((Confidence.LIKELY, Confidence.HINT, Confidence.HINT), near, strict=False):
        fix = Fix(f"Give `{key}` the name that is asked for.", f'batch["{wanted}"] = batch.pop("{key}")', f"`{key}` named `{wanted}`")
        yield fact, sure, fix, renamed(key, wanted)


def _of_one_entry(card: SignatureCard) -> Iterator[Change]:
    """A model for one tensor that is given the whole mapping."""
    fact = Fact("what the model is given", f"a mapping of {', '.join(card.keys)}", "a tensor")
    for sure, key in zip((Confidence.LIKELY, Confidence.HINT, Confidence.HINT), card.keys, strict=False):
        fix = Fix(f"Give the model `{key}`.", f'model(batch["{key}"])', f"`{key}` as the input")
        yield fact, sure, fix, entry_taken(key)


def _without_forward(failure: Failure, card: SignatureCard) -> Iterator[Change]:
    if card.spelt and not failure.module:
        fact = Fact("the model's methods", f"`{card.spelt}`, and no `forward`", "`forward`")
        yield (
            fact,
            Confidence.LIKELY,
            Fix(f"Rename `{card.spelt}`.", "def forward(self, ...):", f"`{card.spelt}` as `forward`"),
            called(card.spelt),
        )
    elif failure.module_kind == "ModuleList":
        fact = Fact(
            f"`{failure.module}`, which is called", "a ModuleList, which has no `forward`", "a Sequential, or a loop over its layers"
        )
        code = "for layer in layers:\n    x = layer(x)"
        fix = Fix("Call its layers in turn.", code, f"the layers of `{failure.module}` called in turn")
        yield fact, Confidence.LIKELY, fix, one_by_one(failure.module)
