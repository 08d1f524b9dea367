"""`%bias_variance` against numbers made by hand: the guide's own table, known levels, and splits that are not as they should be."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.checks.small_splits import answers, evaluated, model
from dldebug_magics.document import Code, as_html, as_text
from dldebug_magics.engine.errors import UserMistake
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.bias_variance.chance import expected_optimism

GUIDE = {"train": 270, "train_val": 290, "test_val": 320, "test": 340}


def report(subject, **options):
    return list(ask("bias_variance", subject, **options))[-1]


def seen(subject, **options):
    return report(subject, **options).experiment


def sizes(terms):
    return {term.name: round(term.value, 9) for term in terms}


def test_the_guides_table_and_the_naive_reading_of_the_same_data():
    found = seen(evaluated(human=0.25, **GUIDE))
    assert [round(rung.value, 9) for rung in found.levels] == [0.25, 0.27, 0.29, 0.32, 0.34]
    tail = {"validation over-fitting": 0.02}
    assert sizes(found.terms) == {"irreducible error": 0.25, "bias": 0.02, "variance": 0.02, "distribution shift": 0.03} | tail
    assert sizes(found.naive) == {"irreducible error": 0.25, "bias": 0.02, "variance + distribution shift": 0.05} | tail
    assert found.dominant is None, "a thousand samples can't tell 3 points from 2"
    assert sum(term.value for term in found.terms) == pytest.approx(0.34)


def test_the_guides_running_example_is_under_fitted():
    answer = report(evaluated(human=0.01, train=200, val=270, test=280))
    assert [f.name for f in answer.alarms] == ["underfitting"]
    assert sizes(answer.experiment.terms)["bias"] == pytest.approx(0.19)
    assert answer.untouched


def test_ngs_cases():
    cases = {"overfitting": (10, 50, 50), "underfitting": (100, 110, 120), "distribution_shift": (100, 110, 300)}
    for name, (train, train_val, dev) in cases.items():
        answer = report(evaluated(samples=1000, human=0.0, train=train, train_val=train_val, test_val=dev))
        assert answer.findings[0].name == name and answer.ok is (name == "overfitting"), "four points are a note"


def test_without_a_human_level_bias_has_no_name():
    answer = report(evaluated(train=100, val=150, test=150))
    assert answer.experiment.dominant.parts == ("irreducible error", "bias")
    assert "irreducible_unknown" in [f.name for f in answer.findings] and answer.ok


def test_annotators_show_how_many_labels_are_wrong_at_least():
    labels = numpy.array([[0, 0]] * 90 + [[0, 1]] * 10)
    found = seen(evaluated(train=100, val=110), annotations=labels)
    assert found.levels[0].value == pytest.approx(0.05) and found.levels[0].interval.low < 0.05 < found.levels[0].interval.high
    assert "annotators" in as_text(found.document())
    both = seen(evaluated(human=0.03, train=100, val=110), annotations=labels)
    assert both.levels[0].value == 0.03 and both.beside[0].value == pytest.approx(0.05)


def test_a_target_stands_in_for_what_is_not_known_and_is_called_so():
    subject = Subject(model(), nn.CrossEntropyLoss(), train=answers(100, 10), target=0.05)
    assert seen(subject).levels[0].given == "target, as given"


def test_metrics_where_more_is_better_lose_from_above():
    found = seen(Subject(model(), nn.CrossEntropyLoss(), train=answers(1000, 100), val=answers(1000, 200, 1), metric="f1"))
    assert [round(rung.value, 3) for rung in found.levels] == [0.9, 0.8]
    assert sizes(found.terms)["variance + distribution shift"] == pytest.approx(0.1, abs=1e-3)
    assert "more is better" in as_text(found.document())


def test_the_page_states_the_finding_where_pictures_are_not_shown():
    page = as_html(seen(evaluated(human=0.01, train=200, val=270)).document())
    assert 'alt="Error on val (as test-val): 27.0 %. The largest term is bias: 19.0 %' in page


def test_the_same_numbers_twice_from_shuffled_loaders():
    def made():
        return Subject(model(), nn.CrossEntropyLoss(), train=DataLoader(answers(500, 50), 32, shuffle=True), val=answers(500, 60, 1))

    assert seen(made()) == seen(made())


def test_a_model_in_train_mode_is_evaluated_in_evaluation_mode_and_put_back():
    net = nn.Sequential(nn.Dropout(0.9), model())
    before = torch.random.get_rng_state()
    answer = report(Subject(net, nn.CrossEntropyLoss(), train=answers(300, 30)))
    assert answer.experiment.levels[0].value == pytest.approx(0.1)
    assert net.training and net[0].training and answer.untouched and torch.equal(before, torch.random.get_rng_state())


def test_splits_that_share_samples_are_found_and_said():
    whole = answers(600, 0)
    found = seen(Subject(model(), None, train=Subset(whole, range(400)), val=DataLoader(Subset(whole, range(350, 600)), 50)))
    assert [(pair.here, pair.there, pair.count, pair.by_number) for pair in found.repeated] == [("train", "val", 50, True)]
    copied = TensorDataset(*whole[100:300])
    found = seen(Subject(model(), None, train=whole, val=copied))
    assert [(pair.count, pair.samples, pair.by_number) for pair in found.repeated] == [(200, 200, False)]


def test_equal_inputs_with_different_labels_are_a_part_of_what_nobody_can_avoid():
    inputs, labels = torch.arange(100.0)[:, None].repeat(1, 2), torch.arange(100) % 2
    inputs[:20] = inputs[0]
    labels[:20] = torch.tensor([0] * 13 + [1] * 7)
    found = seen(Subject(model(), None, train=TensorDataset(inputs, labels)))
    assert [(conflict.role, conflict.wrong, conflict.samples) for conflict in found.conflicts] == [("train", 7, 100)]
    assert "7 of 100 labels can't be met (7 %)" in as_text(found.document())


class Slow(Dataset):
    def __len__(self):
        return 10**6

    def __getitem__(self, number):
        return torch.eye(2)[number % 2], number % 2


def test_the_luck_of_the_best_of_many_trials_is_told():
    found = seen(evaluated(train=10, val=200), trials=50)
    deviation = (0.2 * 0.8 / 1000) ** 0.5
    assert expected_optimism(found) == pytest.approx(deviation * (2 * numpy.log(50)) ** 0.5, rel=0.1)
    assert "The best of 50 trials looks better" in as_text(found.document())


def test_missing_splits_are_cut_the_same_way_each_time_with_as_many_of_each_class():
    subject = Subject(model(), nn.CrossEntropyLoss(), train=answers(400, 8), test=DataLoader(answers(200, 10, 1), 32))
    answer = report(subject, make_splits=True)
    cut, labels = answer.splits(), subject.train.tensors[1]
    assert {role: len(numbers) for role, numbers in cut.items()} == {"train_val": 40, "train": 360, "test_val": 100, "test": 100}
    assert not set(cut["train"]) & set(cut["train_val"]) and labels[list(cut["train_val"])].sum() == 20
    assert cut == report(subject, make_splits=True).splits()
    text = " ".join(as_text(answer.document()).split())
    assert "they are no train-val until it is trained again on what is left" in text and "a test-val at once" in text


def test_the_lines_that_cut_run_as_they_are_printed():
    names = {"train": "train_dl", "test": "test_set"}
    train, test = DataLoader(answers(400, 8), 32, shuffle=True), answers(200, 10, 1)
    answer = report(Subject(model(), nn.CrossEntropyLoss(), train=train, test=test, names=names), make_splits=True)
    lines = [block.source for block in answer.experiment.document() if isinstance(block, Code)]
    here = {"report": answer, "train_dl": train, "test_set": test}
    for line in lines:
        exec(line, here)
    assert [len(here[f"{role}_set"]) for role in ("train_val", "train", "test_val", "test")] == [40, 360, 100, 100]
    numbers = answer.splits()["train_val"]
    assert torch.equal(here["train_val_set"][3][0], train.dataset[numbers[3]][0])
    assert list(answer.splits(test=test)) == ["test_val", "test"]


def test_what_was_not_cut_is_said_in_one_line():
    answer = report(Subject(model(), nn.CrossEntropyLoss(), train=answers(100, 2)), make_splits=True)
    with pytest.raises(UserMistake, match="nothing was cut from `test`"):
        answer.splits(test=answers(100, 2))
    with pytest.raises(UserMistake, match="`train` has 50 samples; expected the 100 that were cut"):
        answer.splits(train=answers(50, 2))
    with pytest.raises(UserMistake, match="a report with --make-splits"):
        report(evaluated(train=5, val=5)).splits(train=answers(1000, 5))


def test_a_stream_cannot_be_cut_and_the_report_says_so():
    batches = [tuple(answers(50, 2).tensors)] * 2
    answer = report(Subject(model(), nn.CrossEntropyLoss(), train=batches), make_splits=True)
    assert answer.splits() == {} and "can't be cut from train" in as_text(answer.document())


def test_splits_are_cut_by_group_and_by_time():
    inputs, labels = answers(300, 6).tensors
    subject = Subject(model(), nn.CrossEntropyLoss(), train=TensorDataset(inputs, labels, torch.arange(300) // 10))
    cut = report(subject, make_splits=True, groups=lambda batch: batch[2]).splits()
    assert len({number // 10 for number in cut["train_val"]}) == 3 and len(cut["train_val"]) == 30
    cut = report(subject, make_splits=True, times=lambda batch: -batch[2]).splits()
    assert cut["train_val"] == tuple(range(30)), "the latest tenth"


def test_what_was_not_reached_in_time_is_said():
    answer = report(Subject(model(), None, train=answers(100, 10), val=Slow(), test=answers(100, 10, 2)), budget=2.0)
    val = next(rung for rung in answer.experiment.levels if rung.given == "val")
    assert not val.complete and 0 < val.samples < 10**6
    assert "of 1000000, then the time was spent" in " ".join(as_text(answer.document()).split())
    assert answer.experiment.levels[-1].role == "test"


def test_targets_are_found_without_a_loss_where_the_model_cannot_take_them():
    assert seen(Subject(model(), train=answers(100, 10), metric="error")).levels[0].value == pytest.approx(0.1)
    with pytest.raises(UserMistake, match="no loss"):
        report(Subject(model(), train=answers(100, 10), metric="loss"))


BAD = {
    "empty": (lambda: Subject(model(), None, train=answers(50, 5), val=TensorDataset(torch.zeros(0, 2), torch.zeros(0))), "`val` is empty"),
    "one class": (lambda: _ranked(torch.zeros(50, dtype=torch.long)), "`auroc` has no value on `train_loader`"),
    "no numbers": (lambda: Subject(_broken(), None, train=answers(50, 5)), "50 of 50 outputs of batch 1 are no numbers"),
    "a metric that fails": (
        lambda: Subject(model(), None, train=answers(50, 5), metric=_fails),
        "`_fails` fails on `train_loader`: RuntimeError: no",
    ),
    "unknown metric": (lambda: Subject(model(), None, train=answers(50, 5), metric="sklearn.f1_scor"), "did you mean f1_score?"),
    "no data": (lambda: Subject(model()), "no data to evaluate on"),
    "an iterator": (lambda: Subject(model(), None, train=iter([])), "iterator"),
    "human in words": (lambda: Subject(model(), None, train=answers(50, 5), human="2"), "`human` is '2'"),
    "human in percent": (
        lambda: Subject(model(), None, train=answers(50, 5), human=2),
        "human level is 2, and `error` lies between 0 and 1",
    ),
    "no weights": (lambda: Subject(model().to("meta"), None, train=answers(50, 5)), "is on meta"),
}


def _ranked(labels):
    return Subject(model(), nn.CrossEntropyLoss(), train=TensorDataset(torch.randn(50, 2), labels), metric="auroc")


def _broken():
    net = model()
    with torch.no_grad():
        net.weight.fill_(float("nan"))
    return net


def _fails(output, target):
    raise RuntimeError("no\nmore")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_said_in_one_line(kind):
    made, line = BAD[kind]
    with pytest.raises(UserMistake) as mistake:
        report(made())
    assert line in str(mistake.value) and "\n" not in str(mistake.value)
