"""The one output that follows a run: how often it is drawn, what stays of it, and what is shown a second time (nothing)."""

from __future__ import annotations

import pytest
from IPython.utils.capture import capture_output

from dldebug_magics.engine.report import Report
from dldebug_magics.notebook.progress import Screen, followed
from dldebug_magics.notebook.shown import Shown


@pytest.fixture
def screen(shell):
    shell.kernel = object()
    return Screen(shell, Shown(shell), "%overfit_batch")


def test_at_most_four_lines_a_second(screen, clock, monkeypatch):
    drawn = []
    monkeypatch.setattr(screen, "_put", lambda data: drawn.append(data["text/plain"]))
    for step in range(1000):
        clock.now = 100 + step * 0.002
        screen.draw(Report(progress=f"step {step}"))
    assert len(drawn) == 8 and drawn[0] == "%overfit_batch: step 0" and drawn[1] == "%overfit_batch: step 125"


def test_all_goes_to_one_handle_and_is_escaped(screen):
    with capture_output() as captured:
        screen.draw(Report(progress="loss <b> 3"))
        first = screen.handle
        screen.end(Report(), returned=True)
    assert screen.handle is first and len(captured.outputs) == 2
    assert "&lt;b&gt;" in captured.outputs[0].data["text/html"] and captured.outputs[1].data["text/html"].startswith("<section")


def test_a_line_does_not_stay_as_if_it_still_ran(screen):
    with capture_output() as captured:
        screen.fail(OSError())
        screen.draw(Report(progress="step 1"))
        screen.fail(OSError())
    assert [output.data["text/plain"] for output in captured.outputs] == ["%overfit_batch: step 1", "%overfit_batch: ended by OSError"]


def test_without_a_kernel_nothing_is_drawn_and_the_value_is_left_to_the_shell(shell):
    screen = Screen(shell, Shown(shell), "%overfit_batch")
    with capture_output() as captured:
        screen.draw(Report(progress="step 1"))
        screen.end(Report(), returned=True)
    assert not captured.outputs and not screen.shown.values


@pytest.mark.parametrize("enabled", [True, False])
def test_only_what_is_on_the_screen_is_not_printed_again(shell, enabled):
    shell.display_formatter.ipython_display_formatter.enabled = enabled
    shown, report, other = Shown(shell), Report(seconds=1.0), Report(seconds=2.0)
    shown.remember(report)
    shown.remember(report)
    assert shell.display_formatter.format(report) == ({}, {})
    with capture_output() as captured:
        shell.display_formatter.format(other)
    assert "2.0 seconds" in captured.outputs[0].data["text/plain"]
    shell.run_cell("3")
    assert "1.0 seconds" in shell.display_formatter.format(report)[0]["text/plain"] and not shown.values
    assert shell.display_formatter.ipython_display_formatter.enabled is enabled


def steps(after_the_stop):
    try:
        for step in range(5):
            yield Report(steps=step)
    except KeyboardInterrupt:
        yield Report(stopped="by you")
        after_the_stop.append("restored")
        raise


def test_a_run_is_followed_to_its_end():
    seen = []
    last, press = followed(steps([]), seen.append)
    assert last.steps == 4 and press is None and [report.steps for report in seen] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("at", [0, 1, 4])
def test_a_press_while_drawing_reaches_the_run(at):
    def draw(report):
        if report.steps == at:
            raise KeyboardInterrupt

    last, press = followed(steps([]), draw)
    assert last.stopped == "by you" and isinstance(press, KeyboardInterrupt)


def test_a_press_inside_the_run_is_not_handed_to_it_again():
    def run():
        try:
            yield Report(steps=1)
            raise KeyboardInterrupt("inside")
        except KeyboardInterrupt:
            yield Report(stopped="by you")
            raise

    last, press = followed(run(), lambda report: None)
    assert last.stopped == "by you" and str(press) == "inside"


def test_a_second_press_while_the_last_report_is_drawn_ends_it():
    def draw(report):
        raise KeyboardInterrupt(report.stopped)

    last, press = followed(steps([]), lambda report: draw(report) if report.stopped or report.steps == 2 else None)
    assert last.stopped == "by you" and press is not None


def test_an_error_of_our_drawing_closes_the_run():
    closed = []

    def run():
        try:
            yield Report()
        finally:
            closed.append(True)

    with pytest.raises(ZeroDivisionError):
        followed(run(), lambda report: 1 / 0)
    assert closed == [True]
