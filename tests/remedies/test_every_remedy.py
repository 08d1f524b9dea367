"""What holds for each remedy, read from the folder: its page, its place, and that what it offers trains small programs of six kinds."""

from __future__ import annotations

import inspect
import itertools
import re

import pytest
import torch

from dldebug_magics import ask
from dldebug_magics.cures.initialisation import reinitialised
from dldebug_magics.document import as_text
from dldebug_magics.engine.ambient import seeded
from dldebug_magics.engine.borrow import Lender
from dldebug_magics.engine.call import forward, loss_of
from dldebug_magics.engine.default_optimizer import with_optimizer
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.fingerprint import changed, fingerprint
from dldebug_magics.engine.remedy import Change, NotPiloted
from dldebug_magics.reference import names, page
from dldebug_magics.remedies import TERMS, remedies

from .programs import PROGRAMS

EVERY = [remedy for term in TERMS for remedy in remedies(term)]
PARTS = ("Not this when: ", "Costs: ", "See: ")


@pytest.mark.parametrize("remedy", EVERY, ids=repr)
def test_has_a_page(remedy):
    assert remedy.title.endswith(".") and len(remedy.title) < 80
    assert all(remedy.page.count(f"\n{part}") == 1 for part in PARTS)
    reason = remedy.page.partition("\nNot this when")[0].partition("\n")[2].strip()
    assert len(reason) > 80, "it says why"
    shown = as_text(page(remedy.name))
    assert f"{remedy.name} (against {remedy.term})" in shown and " ".join(reason.split())[:40] in " ".join(shown.split())


@pytest.mark.parametrize("remedy", EVERY, ids=repr)
def test_names_no_magic_that_is_not_here(remedy):
    assert {*re.findall(r"%(\w+)", inspect.getsource(remedy.function))} <= {*ask.names()}


def test_a_slip_in_a_remedys_name_is_answered_with_the_nearest():
    with pytest.raises(UserMistake, match="did you mean bigger_model"):
        page("biger_model")
    assert {remedy.name for remedy in EVERY} <= set(names())


@pytest.mark.parametrize("term", TERMS)
def test_the_guides_order_has_one_place_for_each(term):
    found = remedies(term)
    assert [remedy.place for remedy in found] == list(range(1, len(found) + 1))
    advised = [remedy.recommended for remedy in found]
    assert advised == sorted(advised, reverse=True), "what the guide advises against comes last"


def trained(lender, change, steps=2):
    """Shapes and outputs of a run with the change, from common weights."""
    with lender.lend() as lent:
        subject = reinitialised(change.before(with_optimizer(lent)))
        subject.model.train()
        seeded(subject.seed)
        held = {id(p) for group in subject.optimizer.param_groups for p in group["params"]}
        assert held == {id(p) for p in subject.model.parameters()}
        for batch in itertools.islice(subject.train, steps):
            subject.optimizer.zero_grad()
            loss_of(subject, batch).loss.backward()
            subject.optimizer.step()
        subject = change.after(subject)
        subject.model.eval()
        with torch.no_grad():
            return forward(subject, subject.batch)[0].clone()


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda make: make.__name__)
def test_what_is_offered_trains_and_leaves_the_program_alone(program, term):
    subject = program()
    before, lender = fingerprint(subject), Lender(subject)
    with lender.lend() as lent:
        answers = [(remedy, remedy(lent)) for remedy in remedies(term)]
    assert all(given for _, given in answers), "a change or a reason"
    as_it_is = trained(lender, Change("as it is"))
    for remedy, given in answers:
        assert len([answer for answer in given if isinstance(answer, NotPiloted)]) in (0, len(given)), remedy
        for change in (answer for answer in given if isinstance(answer, Change)):
            first, second = trained(lender, change), trained(lender, change)
            assert first.shape == as_it_is.shape and bool(torch.isfinite(first).all()), (remedy, change.what)
            assert torch.equal(first, second), (remedy, change.what)
            assert change.times != 1 or not torch.equal(first, as_it_is), f"{remedy}: {change.what} changes nothing"
            assert change.code
            assert change.risk
    assert not changed(before, fingerprint(subject))
