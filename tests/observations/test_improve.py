"""`%improve` on planted problems: what helps most is known, because it was planted; and programs that are not as they should be."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.document import as_html, as_text
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.remedy import Change, NotPiloted, Remedy
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.improve import choosing
from tests.deep_state import differences, state_of

RULE = torch.randn(10, generator=torch.Generator().manual_seed(5))


def line(inputs):
    return inputs @ RULE > 0


def corners(inputs):
    return inputs[:, 0] * inputs[:, 1] > 0  # of which a few samples say nothing


def part(count, seed, wrong=0.0, rule=line):
    """The first of many samples."""
    numbers = torch.Generator().manual_seed(seed)
    inputs, luck = torch.randn(4000, 10, generator=numbers), torch.rand(4000, generator=numbers)
    inputs[:, 4:] *= rule is line
    return TensorDataset(inputs[:count], (rule(inputs) ^ (luck < wrong)).long()[:count])


def program(count=96, wrong=0.1, steps=150, seed=0, rule=line, **settings):
    """Over-fitted: few samples, some of them wrong, and a net that learns them by heart."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2, **settings)
    train = DataLoader(part(count, 3 + seed, wrong, rule), 32, shuffle=True)
    held_out = {role: DataLoader(part(500, number, wrong, rule), 250) for number, role in enumerate(("train_val", "test_val"))}
    subject = Subject(net, nn.CrossEntropyLoss(), optimizer, train, human=wrong, **held_out)
    for batch in itertools.islice(itertools.chain.from_iterable(itertools.repeat(subject.train)), steps):
        optimizer.zero_grad()
        loss_of(subject, batch).loss.backward()
        optimizer.step()
    return subject


def remedy(name, *answers, term="variance", place=1, recommended=True):
    def function(subject):
        yield from answers

    function.__name__, function.__module__, function.__doc__ = name, f"remedies.{term}.{name}", "For a test."
    return Remedy(function, place, recommended)


def decay(strength):
    def before(subject):
        for group in subject.optimizer.param_groups:
            group["weight_decay"] = strength
        return subject

    return before


def crashing(subject):
    raise RuntimeError("no such layer\nand more of it")


def turned_over(subject):
    with torch.no_grad():
        subject.model[-1].weight.neg_()
        subject.model[-1].bias.neg_()
    return subject


DECAY = remedy("decayed", Change("weight decay", "weight_decay=0.1", decay(0.1), risk="bias"))
OTHERS = [
    remedy("same", Change("nothing", "pass"), place=2),
    remedy("turned_over", Change("answers turned over", after=turned_over), place=3),
    remedy("stopped", Change("half as long", times=0.5), place=4, recommended=False),
    remedy("crashing", Change("crash", before=crashing), place=5),
    remedy("collected", NotPiloted("no pilot can"), place=6),
]


@pytest.fixture
def known(monkeypatch):
    """Called with remedies, makes these the ones that there are."""
    return lambda *remedies: monkeypatch.setattr(choosing, "remedies", lambda term: [r for r in remedies if r.term == term])


def improved(subject, **options):
    return list(ask("improve", subject, **{"budget": 60.0, "term": "variance", **options}))[-1]


def test_what_was_planted_is_ranked_first_and_the_rest_is_called_what_it_is(known):
    known(DECAY, *OTHERS)
    subject = program()
    before = state_of(subject)
    report = improved(subject)
    assert report.ok and report.untouched and differences(before, state_of(subject)) == []
    seen = report.experiment
    tried = {found.remedy: found for found in seen.tried}
    assert seen.term.name == "variance" and next(r.remedy for r in seen.ranked if r.recommended) in ("decayed", "more_data")
    assert tried["decayed"].word == "helps" and tried["decayed"].after < tried["decayed"].before
    assert tried["same"].effect.value == 0 and tried["same"].word == "not told apart"
    assert tried["turned_over"].word == "harms" and seen.ranked[-1].remedy == "stopped"
    assert [(found.remedy, found.why) for found in seen.untried] == [
        ("crashing", "crashed: RuntimeError: no such layer"),
        ("collected", "no pilot can"),
    ]
    text, page = as_text(report.document()), as_html(report.document())
    assert all(word in text for word in ("is the largest term", "Not piloted", "weight_decay=0.1", "%bias_variance", "Learning curve"))
    assert text.count("is the largest term") == 1 and "by extrapolation:" in page and max(map(len, text.splitlines())) <= 110


def test_an_over_regularised_model_is_better_off_without(known):
    free = remedy("freed", Change("no weight decay", before=decay(0.0)), term="bias")
    known(free, remedy("same", Change("nothing"), term="bias", place=2))
    subject = program(400, 0.02, weight_decay=1.0)
    seen = improved(subject, term="").experiment
    assert "bias" in seen.term.parts and seen.dominant and seen.more_data is None
    assert seen.ranked[0].remedy == "freed" and seen.ranked[0].helps and not seen.ranked[1].helps


def test_twice_the_data_do_what_was_extrapolated(known):
    known()
    few = {"wrong": 0.0, "rule": corners}
    seen = improved(program(**few)).experiment
    assert [point.samples for point in seen.more_data.points] == [12, 24, 48, 96]
    assert all(point.on_train < point.error for point in seen.more_data.points)
    truth = sum(_error(program(192, steps=300, seed=seed, **few)) - _error(program(seed=seed, **few)) for seed in range(3)) / 3
    assert truth < -0.01 and seen.more_data.twice.low <= truth <= seen.more_data.twice.high
    assert seen.ranked[0].remedy == "more_data" and "twice the data" in seen.sentence()


def _error(subject):
    inputs, labels = part(4000, 99, rule=corners).tensors
    with torch.no_grad():
        return float((subject.model(inputs).argmax(1) != labels).float().mean())


def test_the_same_seed_gives_the_same_numbers(known):
    known(DECAY)
    one, two = (improved(program(steps=30), passes=2, only="decayed").experiment for _ in range(2))
    assert [t.effect for t in one.tried] == [t.effect for t in two.tried] and one.tried[0].effect.known
    assert dataclasses.replace(one.setting) == two.setting


def tiring(subject):
    time.sleep(0.2)
    return subject


def test_a_budget_is_kept_and_what_was_left_out_is_said(known, clock):
    known(DECAY, *OTHERS[:2], remedy("slow", Change("slow", before=tiring), place=3))
    subject = program(steps=1)
    subject.loss_fn.register_forward_hook(lambda *_: time.sleep(0.002))
    for state in subject.optimizer.state.values():
        state["step"] += 1e6  # so many it says it has made
    seen = improved(subject, budget=2.0).experiment
    assert 1.5 < clock.now < 2.2
    assert seen.setting.seen < seen.setting.wanted and seen.decided
    assert "time was spent" in as_text(seen.document())


def test_stopped_half_way_it_shows_what_is_known_and_leaves_no_trace(known):
    known(DECAY)
    subject = program(steps=30)
    before, reports = state_of(subject), ask("improve", subject, term="variance", passes=3)
    for report in reports:
        if report.experiment is not None and getattr(report.experiment, "tried", ()):
            break
    stopped = reports.throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    assert stopped.stopped and stopped.untouched and stopped.experiment.tried and not stopped.ok
    assert differences(before, state_of(subject)) == []


def test_where_no_term_is_the_largest_nothing_is_tried_unless_asked(known):
    known(DECAY)
    subject = dataclasses.replace(program(steps=0), human=None)
    same = dataclasses.replace(subject, train_val=None, test_val=subject.train.dataset, human=0.5)
    report = list(ask("improve", same))[-1]
    assert not report.experiment.tried and "No term of the error is the largest beyond chance" in report.sentence() and not report.ok


def test_only_those_that_are_named_are_tried_and_the_learning_curve_is_one_of_them(known):
    known(DECAY, *OTHERS)
    seen = improved(program(steps=30), passes=1, seeds=2, only="same, turned_over").experiment
    assert {found.remedy for found in seen.tried} == {"same", "turned_over"} and not seen.untried and seen.more_data is None
    seen = improved(program(steps=30), passes=1, seeds=2, only="more_data,same").experiment
    assert {found.remedy for found in seen.tried} == {"same"} and seen.more_data is not None


def test_mistakes_are_one_line(known):
    known(DECAY)
    subject = program(steps=0)
    for options, words in (
        ({"term": "varience"}, "did you mean variance"),
        ({"term": "validation"}, "your splits show no validation"),
        ({"only": "decay"}, "did you mean decayed"),
        ({"only": "decayed,more_dta"}, "no remedy `more_dta` for this term; did you mean more_data"),
        ({"seeds": 1}, "seeds is 1; expected 2 or more"),
    ):
        with pytest.raises(UserMistake, match=words):
            improved(subject, **options)
    with pytest.raises(UserMistake, match="no training data"):
        improved(dataclasses.replace(subject, train=None))
    with pytest.raises(UserMistake, match="no held-out data"):
        improved(dataclasses.replace(subject, train_val=None, test_val=None), term="bias")


class Bare(nn.Module):
    """Its weights belong to nobody who could begin them anew."""

    def __init__(self, trained):
        super().__init__()
        self.first, self.second = nn.Parameter(trained[0].weight.detach().T.clone()), nn.Parameter(trained[2].weight.detach().T.clone())

    def forward(self, inputs):
        return (inputs @ self.first).relu() @ self.second


def test_weights_that_can_not_begin_anew_are_the_users_own(known):
    wide = remedy("widened", Change("another layer", before=lambda s: dataclasses.replace(s, model=nn.Linear(10, 2))), place=2)
    known(DECAY, wide)
    trained = program()
    net = Bare(trained.model)
    subject = dataclasses.replace(trained, model=net, optimizer=torch.optim.Adam(net.parameters(), 1e-3))
    report = improved(subject, passes=2)
    assert report.untouched and not report.experiment.setting.anew and report.experiment.tried[0].remedy == "decayed"
    assert [found.why for found in report.experiment.untried] == ["it begins with new weights, and pilots begin with yours here"]
    assert "have seen all of the data" in as_text(report.document())


def test_a_program_that_is_only_a_step(known):
    known(DECAY, remedy("replaced", Change("another model", before=lambda s: dataclasses.replace(s, model=nn.Linear(10, 2))), place=2))
    whole = program(steps=30)
    net, loss_fn = whole.model, whole.loss_fn
    subject = dataclasses.replace(whole, loss_fn=None, human=None, step=lambda batch: loss_fn(net(batch[0]), batch[1]))
    report = improved(subject, passes=2)
    assert report.untouched and report.experiment.metric == "loss" and report.experiment.tried[0].effect.known
    assert "your `step` holds its own model" in report.experiment.untried[0].why


def test_where_more_is_better_effects_below_0_are_still_for_the_better(known):
    known(DECAY)
    seen = improved(dataclasses.replace(program(), metric="f1", human=0.9)).experiment
    assert seen.larger_is_better and seen.tried[0].effect.below_zero and seen.more_data.points[0].error < seen.more_data.points[-1].error
    assert math.isfinite(seen.more_data.twice.value)


def test_a_gain_in_bias_that_a_shift_hides_is_said(known):
    """On train the wider net is better beyond chance; the held-out labels are drawn, so nothing helps there."""
    torch.manual_seed(0)
    known(remedy("wider", Change("wider", before=_wide), term="bias"))
    subject = program(count=400, wrong=0.0, steps=300, rule=corners)
    narrow = nn.Sequential(nn.Linear(10, 1), nn.ReLU(), nn.Linear(1, 2))
    noise = TensorDataset(torch.randn(300, 10), torch.randint(0, 2, (300,)))
    subject = dataclasses.replace(subject, model=narrow, optimizer=torch.optim.Adam(narrow.parameters(), 1e-2), human=0.0)
    subject = dataclasses.replace(subject, train_val=None, test_val=DataLoader(noise, 150))
    report = improved(subject, term="bias", passes=20)
    assert "none is told apart from no change on test-val. The bias itself falls most with wider" in report.sentence()
    assert "not told apart; bias falls" in report._repr_html_()


def _wide(subject):
    subject.model[0], subject.model[2] = nn.Linear(10, 64), nn.Linear(64, 2)
    return dataclasses.replace(subject, optimizer=torch.optim.Adam(subject.model.parameters(), 1e-2))
