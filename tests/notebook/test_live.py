"""The live view of a watched cell: when it is drawn, what stays of it, what it costs, and that it never touches the training."""

from __future__ import annotations

import dataclasses
import itertools
import types

import nbclient
import nbformat
import pytest
from IPython.utils.capture import capture_output

from dldebug_magics.document import Text
from dldebug_magics.engine.report import Report
from dldebug_magics.notebook import live as module
from dldebug_magics.notebook.live import Live
from dldebug_magics.notebook.outputs import goes_below_the_cell, told_of_clearing
from dldebug_magics.observations.training_loop import running
from tests.notebook.test_kernel import ROOT, SET_UP, Kernel, of, printed

LOOP = """%%watch{options}
torch.manual_seed(0)
for step in range({steps}):
    {clear}
    loss = loss_fn(net(batch[0]), batch[1])
    loss.backward()
    opt.step()
    {more}
"""


def loop(steps=600, options="", clear="opt.zero_grad()", more=""):
    return LOOP.format(options=options, steps=steps, clear=clear, more=more)


@dataclasses.dataclass
class Alarm:
    name: str


@pytest.fixture
def drawn(monkeypatch):
    """A live view on a clock of its own; each drawing takes 1 ms, each asking of the checks 20 ms."""
    view = types.SimpleNamespace(now=100.0, pages=[], asked=[], found=(), display=object(), steps=1000)

    def passes(seconds, result=None):
        view.now += seconds
        return result

    monkeypatch.setattr(module.time, "perf_counter", lambda: view.now)
    monkeypatch.setattr(module, "goes_below_the_cell", lambda shell: True)
    monkeypatch.setattr(running, "page", lambda log, evaluating, found: passes(0.001, (Text(f"{evaluating} {len(found)}"),)))
    monkeypatch.setattr(running, "alarms", lambda log, checks: view.asked.append(view.now - 100) or passes(0.02, view.found))
    view.live = Live(None, types.SimpleNamespace(show=lambda page: view.pages.append((round(view.now - 100, 3), repr(page)))))
    view.live.follow(types.SimpleNamespace(log=types.SimpleNamespace(steps=1000), checks=[]))
    return view


def run_for(view, seconds, evaluating=False, pace=0.005):
    end = view.now + seconds
    while view.now < end:
        view.now += pace
        view.live(evaluating)


def test_it_is_drawn_from_the_second_second_on_and_costs_less_than_a_hundredth(drawn):
    run_for(drawn, 0.99)
    assert not drawn.pages
    run_for(drawn, 99)
    times = [at for at, _ in drawn.pages]
    assert 1 <= times[0] < 1.1 and all(0.75 <= b - a < 5 for a, b in itertools.pairwise(times)) and len(times) > 80
    assert 3 < len(drawn.asked) < 15 and all(b >= 1.5 * a for a, b in itertools.pairwise(drawn.asked))
    assert drawn.live.drawing + drawn.live.asking <= 0.01 * 100


def test_a_slow_drawing_is_made_the_more_rarely(drawn, monkeypatch):
    plain = running.page
    monkeypatch.setattr(running, "page", lambda *given: (setattr(drawn, "now", drawn.now + 0.2), plain(*given))[1])
    run_for(drawn, 200)
    assert 2 <= len(drawn.pages) <= 10 and drawn.live.drawing + drawn.live.asking <= 0.01 * 200


def test_while_it_evaluates_no_check_is_asked(drawn):
    run_for(drawn, 20, evaluating=True)
    assert not drawn.asked and len(drawn.pages) > 15 and drawn.pages[0][1] == "True 0"


def test_too_few_steps_are_not_judged(drawn):
    drawn.live.watch.log.steps = 23
    run_for(drawn, 20)
    assert not drawn.asked and drawn.pages


def test_an_alarm_that_the_end_does_not_bear_out_is_taken_back_aloud(drawn):
    drawn.found = (Alarm("missing_zero_grad"), Alarm("nan_inf_numeric"))
    run_for(drawn, 20)
    assert drawn.pages[-1][1] == "False 2"
    report = drawn.live.ended(Report())
    assert len(report.said) == 2 and report.said[0].startswith("While it ran, missing_zero_grad was shown as seen so far")
    drawn.live.shown.clear()
    assert drawn.live.ended(Report()).said == ()


def test_a_failure_ends_the_drawing_and_is_said(drawn, monkeypatch):
    monkeypatch.setattr(running, "page", lambda *given: 1 / 0)
    run_for(drawn, 20)
    (said,) = drawn.live.ended(Report()).said
    assert "ZeroDivisionError: division by zero. The loop was not disturbed" in said and not drawn.pages


def test_a_press_of_the_stop_button_while_it_draws_is_the_loops(drawn, monkeypatch):
    def press(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "page", press)
    with pytest.raises(KeyboardInterrupt):
        run_for(drawn, 2)


def test_what_is_captured_is_left_alone(shell):
    assert not goes_below_the_cell(shell)  # a terminal
    with capture_output():
        assert not goes_below_the_cell(shell)
    with told_of_clearing(shell, lambda: pytest.fail("nothing was cleared")):
        shell.display_pub.clear_output()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    started = Kernel(tmp_path_factory.mktemp("kernel"))
    started.run("%load_ext dldebug")
    started.run(SET_UP)
    started.run("from dldebug_magics.notebook import live; live._SHARE = 0.2")  # a busy machine is slow to draw, and would hardly do so
    yield started
    started.close()


def views(messages):
    return [content["data"]["text/plain"] for content in of(messages, "display_data", "update_display_data")]


def test_one_output_is_updated_and_ends_as_the_report(kernel):
    messages = kernel.run(loop(steps=1200, more="step % 200 or print(step)"))
    (first,), updates = of(messages, "display_data"), of(messages, "update_display_data")
    assert {u["transient"]["display_id"] for u in updates} == {first["transient"]["display_id"]} and len(updates) >= 2
    *running_views, last = views(messages)
    assert all(view.startswith("%%watch: training, step ") for view in running_views) and "gradient norm, net.0" in running_views[-1]
    assert last.startswith("The loop took 1200 optimizer steps") and "%%watch: training" not in last
    assert printed(messages).split() == ["0", "200", "400", "600", "800", "1000"] and not of(messages, "execute_result", "error")
    assert "The live view failed" not in last


def test_a_warning_comes_while_it_trains(kernel):
    messages = kernel.run(
        loop(steps=3000, clear="pass", more="if time.monotonic() - began > 4: break").replace(
            "torch.manual", "began = time.monotonic(); torch.manual"
        )
    )
    warned = [view for view in views(messages)[:-1] if "So far, proven: missing_zero_grad (cell" in " ".join(view.split())]
    assert warned and "missing_zero_grad" in views(messages)[-1] and "While it ran" not in views(messages)[-1]


def test_quiet_and_short_runs_have_no_live_view(kernel):
    assert not views(kernel.run(loop(options=" --quiet")))
    (only,) = views(kernel.run(loop(steps=20)))
    assert only.startswith("The loop took 20")


def test_a_cell_that_clears_its_output_still_ends_with_the_report(kernel):
    kernel.run("from IPython.display import clear_output")
    messages = kernel.run(loop(more="step % 200 or clear_output(wait=True)"))
    after = messages[max(i for i, m in enumerate(messages) if m["msg_type"] == "clear_output") :]
    shown = of(after, "display_data")
    assert len(shown) == 1 and views(after)[-1].startswith("The loop took 600")
    assert {c["transient"]["display_id"] for c in of(messages, "display_data", "update_display_data")} == {
        shown[0]["transient"]["display_id"]
    }


def test_what_a_widget_or_a_variable_captures_is_left_to_it(kernel):
    kernel.run("import ipywidgets; from IPython.utils.capture import capture_output; out = ipywidgets.Output()")
    for context in ("out", "capture_output()"):
        inside = loop().replace("\n", "\n    ").replace("%%watch\n    ", f"%%watch\nwith {context}:\n    ")
        (only,) = views([m for m in kernel.run(inside) if m["content"].get("data", {}).get("text/html", "").startswith("<section")])
        assert only.startswith("The loop took 600")


def test_the_stop_button_leaves_the_report_in_its_place(kernel):
    messages = kernel.run(loop(steps=100000), stop_at="%%watch: training")
    assert [e["ename"] for e in of(messages, "error")] == ["KeyboardInterrupt"]
    assert len({content["transient"]["display_id"] for content in of(messages, "display_data", "update_display_data")}) == 1
    assert views(messages)[-1].startswith("Stopped: by you")


def test_training_is_the_same_to_the_last_bit(kernel):
    states = []
    for options in ("", " --quiet"):
        kernel.run(SET_UP)
        kernel.run(loop(options=options))
        states.append(kernel.value("state()"))
    kernel.run(SET_UP)
    kernel.run(loop().partition("\n")[2])
    assert states == [kernel.value("state()")] * 2


def test_a_saved_notebook_holds_the_static_report_alone():
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext dldebug", SET_UP, loop())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    (output,) = notebook.cells[-1].outputs
    assert output["data"]["text/plain"].startswith("The loop took 600 optimizer steps")
    assert "%%watch: training" not in nbformat.writes(notebook) and "widget" not in nbformat.writes(notebook)
