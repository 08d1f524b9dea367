"""The doors of a watched loop: what is seen at each against what was done, and that all is let go, however the loop ends."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from dldebug_magics.ask import Watch
from dldebug_magics.instruments import watch
from dldebug_magics.instruments.watch import _standing, watching
from dldebug_magics.instruments.watch.events import Backward, Drawn, Forward, Mode
from dldebug_magics.instruments.watch.updates import Clip, Made, Scaled, Scheduled, Stepped, ZeroGrad
from tests.loops.healthy.program import loaders, net


def small(rate=0.1, kind=torch.optim.SGD):
    model = net()
    return model, kind(model.parameters(), lr=rate), torch.randn(8, 16), torch.randint(0, 4, (8,))


def events(log):
    return [event for step in log.kept for event in step.events] + log.events


def of(log, kind):
    return [event for event in events(log) if isinstance(event, kind)]


def test_all_that_is_wrapped_is_looked_at_again_at_the_end(monkeypatch):
    touched = set()
    for door in pkgutil.iter_modules(watch.__path__):
        module = importlib.import_module(f"{watch.__name__}.{door.name}")
        if "wrapped" in vars(module) and door.name != "wrapped":
            monkeypatch.setattr(module, "wrapped", lambda *given, plain=module.wrapped: touched.add(given[:2]) or plain(*given))
    with watching() as log:
        standing = _standing()
    names = {f"{owner.__name__}.{name}" for owner, name in touched}
    assert len(names) > 20 and names <= standing.keys()
    assert log.left_behind == () and all(standing[name] is not _standing()[name] for name in names)


def test_the_order_of_one_step_is_as_it_was_done():
    model, optimizer, x, y = small()
    schedule, scaler = torch.optim.lr_scheduler.StepLR(optimizer, 1), torch.amp.GradScaler("cpu", init_scale=8.0)
    with watching() as log:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        clip_grad_norm_(model.parameters(), 0.01)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
    kinds = [type(event).__name__ for event in events(log)]
    assert kinds == "ZeroGrad Forward Forward Scaled Backward Scaled Clip Scaled Stepped Scaled Scheduled".split()
    assert [e.what for e in of(log, Scaled)] == ["scale", "unscale_", "step", "update"]
    assert of(log, Scaled)[0].scale == 8.0 and of(log, Scheduled)[0].rate == pytest.approx(0.01)
    assert [part.name for part in (log.models.parts[0], log.optimizers.parts[0], log.schedulers.parts[0])] == [
        "model",
        "optimizer",
        "schedule",
    ]
    assert of(log, ZeroGrad)[0].line.source == "optimizer.zero_grad()" and "test_watch.py, line" in of(log, Stepped)[0].line.place


def test_numbers_of_a_close_look_are_those_of_the_step():
    model, optimizer, x, y = small()
    weights = [p.detach().clone() for p in model.parameters()]
    with watching() as log:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
        limit = norm / 4
        clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
    step, clip, backward = of(log, Stepped)[0], of(log, Clip)[0], of(log, Backward)[0]
    assert clip.norm == pytest.approx(norm) and clip.limit == limit and not clip.empty
    assert step.gradient == pytest.approx(limit, rel=1e-3) and step.factor == pytest.approx(0.25, rel=1e-3) and step.residual < 1e-5
    assert step.update == pytest.approx(0.1 * limit, rel=1e-3)
    assert step.weights == pytest.approx(torch.cat([w.flatten() for w in weights]).norm().item(), rel=1e-5)
    assert backward.loss == pytest.approx(loss.item()) and backward.reached == 4


def test_the_residual_is_what_earlier_passes_left():
    model, optimizer, x, y = small()
    with watching() as log:
        F.cross_entropy(model(x[:4]), y[:4]).backward()
        optimizer.step()
        old = torch.cat([p.grad.flatten() for p in model.parameters()]).clone()
        F.cross_entropy(model(x[4:]), y[4:]).backward()
        whole = torch.cat([p.grad.flatten() for p in model.parameters()])
        fresh = whole - old
        optimizer.step()
    first, second = of(log, Stepped)
    factor = (whole @ fresh / (fresh @ fresh)).item()
    assert not first.stale and second.stale
    assert second.factor == pytest.approx(factor, rel=1e-3)
    assert second.residual == pytest.approx(((whole - factor * fresh).norm() / whole.norm()).item(), rel=1e-3)


def test_clipping_imported_by_name_and_by_value_is_seen_once():
    model, optimizer, x, y = small()
    with watching() as log:
        F.cross_entropy(model(x), y).backward()
        clip_grad_norm_(model.parameters(), max_norm=1.0)
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        nn.utils.clip_grad_value_(model.parameters(), clip_value=0.5)
        optimizer.zero_grad()
        nn.utils.clip_grad_norm_(model.parameters(), 3.0)
    assert [(e.by, e.limit, e.empty) for e in of(log, Clip)] == [
        ("norm", 1, False),
        ("norm", 2, False),
        ("value", 0.5, False),
        ("norm", 3, True),
    ]
    assert clip_grad_value_ is nn.utils.clip_grad_value_


def test_evaluation_passes_are_counted_in_one_record_with_their_loader():
    model, optimizer, x, y = small()
    train, val = loaders()
    with Watch() as watch:
        for x, y in train:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for x, _ in val:
                model(x)
    loop = watch.experiment
    (evaluation,) = loop.evaluations
    assert (evaluation.step, evaluation.passes.times, evaluation.drawn) == (10, 2, 2) and not evaluation.passes.training
    assert loop.loaders[evaluation.passes.loader].name == "val" and loop.epochs == 1 and loop.taken == 10
    assert [e.training for e in loop.of(Mode)] == [False]
    drawn = next(iter(loop.of(Drawn)))
    assert drawn.samples == 16 and drawn.classes == 4 and drawn.content


def test_sparse_steps_are_counted_and_what_is_unusual_wakes_the_log():
    model, optimizer, x, y = small()

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    with Watch() as watch:
        train(55)
        model.eval()
        train(30)
    loop = watch.experiment
    kept = [step.number for step in loop.steps]
    assert loop.taken == 85 == len(loop.losses) == len(loop.rates)
    assert kept[:12] == list(range(12)) and 13 not in kept and {20, 21, 55, 56, 57} <= set(kept) and len(kept) < 35
    assert loop.count(0, "evaluating") >= 3 and loop.count(0) < 35


def test_an_optimizer_made_in_the_loop_is_known_by_its_later_name():
    model, _, x, y = small()
    with watching() as log:
        chosen = torch.optim.Adam(model.parameters(), lr=1e-3)
        F.cross_entropy(model(x), y).backward()
        chosen.step()
    assert of(log, Made)[0].kind == "optimizer" and log.optimizers.parts[0].name == "chosen"


def test_what_other_threads_train_is_theirs():
    model, optimizer, x, y = small()

    def elsewhere():
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    with watching() as log:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert events(log) == [] and log.steps == 0


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyboardInterrupt(), GeneratorExit()])
def test_everything_is_let_go_when_the_loop_raises(error):
    model, optimizer, x, y = small()
    before = _standing()
    with pytest.raises(type(error)) as raised, Watch() as watch:
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        raise error
    assert raised.value is error and _standing() == before
    assert watch.untouched and watch.experiment.taken == 1 and bool(watch.stopped) == isinstance(error, KeyboardInterrupt)


def test_a_model_that_raises_is_seen_again():
    model, optimizer, x, y = small()
    with watching() as log:
        with pytest.raises(RuntimeError):
            model(x[:, :3])
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert len(of(log, Forward)) == 1


def test_watches_in_each_other_see_the_same_and_go_one_by_one():
    model, optimizer, x, y = small()
    before = _standing()
    with Watch() as outer:
        with Watch() as inner:
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        assert inner.untouched
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert (inner.experiment.taken, outer.experiment.taken) == (1, 2) and outer.untouched and _standing() == before


def test_a_failure_of_ours_ends_the_watch_and_not_the_loop(monkeypatch):
    model, optimizer, x, y = small()
    monkeypatch.setattr("dldebug_magics.instruments.watch.gradients.norms.compared", lambda *_: 1 / 0)
    with Watch() as watch:
        for _ in range(3):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        done = True
    assert done and "ZeroDivisionError" in watch.experiment.blind and "defect of dldebug" in watch.sentence()
    assert watch.findings == () and watch.untouched


def test_a_report_is_there_only_at_the_end():
    with Watch() as watch, pytest.raises(AttributeError, match="not over"):
        watch.findings  # noqa: B018
    assert watch.findings == () and "0 optimizer steps" in repr(watch)


def test_compiled_models_train_on_and_are_seen_from_outside():
    torch.compiler.reset()  # torch's FLOP counter, in another test, has the compiler pass over what it saw
    model, optimizer, x, y = small()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with Watch() as watch:
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(compiled(x), y).backward()
            optimizer.step()
    assert watch.experiment.taken == 3 and watch.untouched and watch.experiment.blind == ""
    assert watch.not_examined == ("the inside of `compiled`: it is compiled",)
    compiled(x)


def test_transforms_and_traces_go_by_undisturbed():
    model, optimizer, x, y = small()
    state = {name: value.detach() for name, value in model.named_parameters()}

    def loss_of_one(x, y):
        return F.cross_entropy(torch.func.functional_call(model, state, (x[None],)), y[None])

    with Watch() as watch:
        torch.vmap(loss_of_one)(x, y)
        torch.func.grad(lambda w: F.cross_entropy(torch.func.functional_call(model, w, (x,)), y))(state)
        traced = torch.jit.trace(model, x)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert watch.experiment.blind == "" and watch.experiment.taken == 1
    unwatched = torch.jit.trace(model, x)
    assert str(traced.inlined_graph).count(" = ") == str(unwatched.inlined_graph).count(" = ") and torch.equal(traced(x), unwatched(x))


def test_things_that_cannot_be_looked_at_do_no_harm():
    model, optimizer, x, y = small()

    class Shy:
        def __getattribute__(self, name):
            raise OSError("no")

    class Samples(list):
        def __len__(self):
            raise OSError("no")

    shy, loader = Shy(), torch.utils.data.DataLoader(Samples([(x[0], y[0])] * 4), sampler=[0, 1, 2, 3], batch_size=2)
    with Watch() as watch:
        for samples, labels in loader:
            F.cross_entropy(model(samples), labels).backward()
            optimizer.step()
    assert watch.experiment.blind == "" and watch.experiment.taken == 2 and shy is not None


def test_closures_are_seen_from_inside():
    model, _, x, y = small()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with watching() as log:
        optimizer.step(closure)
    (step,) = of(log, Stepped)
    assert step.closure and step.backwards == len(of(log, Backward)) >= 3 and not step.stale and not step.empty


def test_what_is_kept_has_an_end():
    model, optimizer, x, _ = small()
    with watching() as log:
        for number in range(30):
            for _ in range(300):
                model(x[:1]).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            model.train(number % 2 == 0)
    assert sum(len(step.events) for step in log.kept) <= 20_000 and all(len(step.events) <= 1001 for step in log.kept) and log.steps == 30


def test_a_watch_that_never_ends_and_is_dropped_lets_go():
    def begin():
        begun = Watch()
        begun.__enter__()
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            model(torch.randn(2, 4)).sum().backward()
            optimizer.step()
        assert _standing() != before

    before = _standing()
    begin()
    gc.collect()
    assert _standing() == before
