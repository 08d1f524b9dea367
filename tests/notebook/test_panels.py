"""Panels in a real kernel: what a front end would see, what a click does in whichever thread it arrives, what the stop buttons leave."""

from __future__ import annotations

import time

import pytest

from dldebug_magics.notebook.options import FLAG, NUMBER, WHOLE, WORD, Option
from tests.notebook.test_kernel import SET_UP, Kernel, of, printed

VIEW = "application/vnd.jupyter.widget-view+json"
LOOK = """
import ipywidgets
from dldebug_magics.notebook.panels.panel import _parts

panels = get_ipython().magics_manager.registry["DLDebugMagics"].session.panels
def alive():
    held = getattr(ipywidgets.widgets.widget, "_instances", None)
    return len(ipywidgets.Widget.widgets if held is None else held)
def panel():
    (found,) = panels.live.values()
    return found
def control(label):
    return next(one for one in _parts(panel().root) if getattr(one, "description", None) == label)
def shown():
    return " ".join(one.value for one in _parts(panel().root) if type(one).__name__ == "HTML")
def stop():
    control("Stop").click()
"""
SLOW = """panels.close()
%overfit_batch net loss_fn opt batch --steps 20 --budget 0.5 --panel
control('steps').value, control('budget').value = 100000, 60.0"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    running.run("%load_ext dldebug")
    running.run(SET_UP)
    running.run("%overfit_batch quick loss_fn quick_opt easy --quiet")
    running.before = running.value("'ipywidgets' in __import__('sys').modules")
    running.run(LOOK)
    yield running
    running.close()


@pytest.fixture
def opened(kernel):
    """A panel on a model that learns, opened with its report."""
    kernel.run("panels.close()")
    messages = kernel.run("r = %overfit_batch quick loss_fn quick_opt easy --steps 40 --panel")
    assert not of(messages, "error", "stream"), messages
    return kernel, messages


def pressed(kernel, label: str, until: str, press: str = "", subshell: str = "") -> str:
    """The status line, once it holds a text; a button was clicked as a front end does it, and then another way to stop was taken."""
    if subshell:
        execute(kernel, f"control({label!r}).click()", subshell)
    else:
        number = kernel.value(f"control({label!r}).model_id").strip("'")
        click = {"comm_id": number, "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.client.shell_channel.send(kernel.client.session.msg("comm_msg", click))
    if press:
        told(kernel, "step ")
        kernel.manager.interrupt_kernel() if press == "kernel" else execute(kernel, "stop()", subshell)
    end = time.monotonic() + 120
    while until not in (status := kernel.value("panel().status.value")):
        assert time.monotonic() < end, status
    return status


def told(kernel, text: str) -> None:
    """Wait until a widget is told of something that holds the text."""
    while text not in str(kernel.client.get_iopub_msg(timeout=30)["content"].get("data")):
        pass


def execute(kernel, code: str, subshell: str) -> None:
    """Run code on the thread of a subshell, as new front ends have widgets' messages handled."""
    message = kernel.client.session.msg("execute_request", {"code": code, "silent": True})
    message["header"]["subshell_id"] = subshell
    kernel.client.shell_channel.send(message)


@pytest.fixture
def subshell(kernel):
    """A thread beside the main one; old kernels have none."""
    if "kernel subshells" not in kernel.ask("kernel_info").get("supported_features", ()):
        pytest.skip("this ipykernel has no subshells: messages are always handled on the main thread")
    kernel.client.control_channel.send(kernel.client.session.msg("create_subshell_request", {}))
    while "subshell_id" not in (reply := kernel.client.control_channel.get_msg(timeout=30)["content"]):
        pass
    return reply["subshell_id"]


def test_no_widget_is_made_unless_asked_for(kernel):
    assert kernel.before == "False"


def test_the_report_stands_above_and_the_panel_is_an_output_of_its_own(opened):
    kernel, messages = opened
    report, view = of(messages, "display_data")
    last = [report, *of(messages, "update_display_data")][-1]["data"]
    assert last["text/html"].startswith("<section") and VIEW not in last
    assert VIEW in view["data"] and "text/html" not in view["data"] and not of(messages, "execute_result")
    assert kernel.value("[control(l).value for l in ('steps', 'model', 'regularisation', 'lr factor')]") == "[40, 'quick', True, 1.0]"
    assert "class 'torch" not in kernel.value("control('model').options") and "quick" in kernel.value("control('model').options")


def test_a_cell_has_one_panel_and_closing_leaves_no_widget(opened):
    kernel, _ = opened
    before = kernel.value("alive()")
    kernel.run("r = %overfit_batch quick loss_fn quick_opt easy --steps 40 --panel")
    assert kernel.value("(alive(), len(panels.live))") == f"({before}, 1)"
    kernel.run("other = r.panel()")
    assert kernel.value("len(panels.live)") == "2"
    kernel.run("panels.close()")
    assert kernel.value("alive()") == "0"


def test_the_first_of_two_panels_in_one_run_of_a_cell_stays_as_html(opened):
    kernel, _ = opened
    kernel.run("panels.close()")
    messages = kernel.run("r.panel()\nr.panel()")
    first, second = of(messages, "display_data")
    (frozen,) = of(messages, "update_display_data")
    assert frozen["transient"] == first["transient"] and VIEW in second["data"] and "steps: 40" in frozen["data"]["text/html"]
    assert kernel.value("len(panels.live)") == "1" and not of(messages, "execute_result")


def test_a_report_of_the_python_function_has_one_too(kernel):
    kernel.run("panels.close()\nimport dldebug\nplain = dldebug.overfit_batch(quick, loss_fn, quick_opt, easy, steps=40)")
    assert VIEW in str(of(kernel.run("plain.panel();"), "display_data")[0])
    assert kernel.value("control('model').value") == "''" and "several things here could be the model" in pressed(kernel, "Run", "FAIL")


def test_run_asks_with_what_the_controls_hold_and_leaves_no_trace(opened):
    kernel, _ = opened
    before = kernel.value("state()")
    kernel.run("control('steps').value, control('lr factor').value, control('regularisation').value = 33, 0.5, False")
    assert "It learns" in pressed(kernel, "Run", "It ")
    assert "learning rates times 0.5, no dropout and no weight decay" in kernel.value("shown()")
    assert kernel.value("state()") == before
    kernel.run("control('model').value = 'nett'")
    assert "FAIL: no name `nett` here; did you mean `net`?" in pressed(kernel, "Run", "FAIL").replace("&#x27;", "'")


def test_what_the_users_own_code_raises_stands_in_the_status_line(opened):
    kernel, _ = opened
    kernel.run("class Broken:\n    def __iter__(self):\n        raise OSError('disk <gone>')")
    kernel.run("control('train').value = 'Broken()'")
    status = pressed(kernel, "Run", "FAIL")
    assert "FAIL: your data or your model raised OSError: disk &lt;gone&gt;" in status and "the traceback" in status


@pytest.mark.parametrize("press", ["kernel", "panel"])
@pytest.mark.parametrize("beside", [False, True])
def test_either_stop_button_leaves_no_trace(kernel, request, press, beside):
    if press == "panel" and not beside:
        pytest.skip("on the main thread a click on Stop arrives only after the run")
    subshell = request.getfixturevalue("subshell") if beside else ""
    assert VIEW in str(of(kernel.run(SLOW), "display_data")[-1])
    before = kernel.value("state()")
    began = time.monotonic()
    assert "Stopped by you. Everything is as it was." in pressed(kernel, "Run", "Stopped", press, subshell)
    assert time.monotonic() - began < 20 and kernel.value("state()") == before
    assert printed(kernel.run("print('alive')")) == "alive"


def test_a_click_beside_a_cell_waits_for_its_end_and_a_second_one_is_told_so(kernel, subshell):
    kernel.run(SLOW)
    kernel.client.execute("ended = []; time.sleep(3); ended.append(panel().status.value)")
    execute(kernel, "control('Run').click(); waiting = panel().status.value", subshell)
    told(kernel, "step ")
    execute(kernel, "control('Run').click(); second = panel().status.value; stop()", subshell)
    assert "Stopped" in pressed(kernel, "Stop", "Stopped")
    assert "BUSY" in kernel.value("second") and "Waiting for the cell that is running" in kernel.value("waiting")
    assert kernel.value("ended == [waiting]") == "True"  # nothing ran before the cell's end


def test_freezing_leaves_html_and_no_control(opened):
    kernel, messages = opened
    place = of(messages, "display_data")[-1]["transient"]["display_id"]
    frozen = of(kernel.run("panel().freeze()"), "update_display_data")[-1]
    assert frozen["transient"]["display_id"] == place and "model: quick" in frozen["data"]["text/html"]
    assert "<img alt=" in frozen["data"]["text/html"] and "<button" not in frozen["data"]["text/html"] and VIEW not in frozen["data"]
    assert kernel.value("[type(one).__name__ for one in panel().root.children]") == "['HTML', 'HTML']" and kernel.value("alive()") == "8"
    kernel.run("panels.close()")
    assert kernel.value("alive()") == "0"


FAULTY = """
torch.manual_seed(0)
faulty = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
faulty_opt = torch.optim.Adam(faulty.parameters(), lr=3e-5)
"""


def test_a_fix_is_tried_on_a_copy_at_once_or_by_running_it_and_its_cell_repairs_the_model(kernel):
    kernel.run(f"panels.close(){FAULTY}")
    kernel.run("found = %overfit_batch faulty loss_fn faulty_opt batch --steps 100 --panel")
    assert kernel.value("found.findings[0].name") == "'lr_too_low'"
    assert "with a learning rate of 0.003" not in kernel.value(
        "control('Try this fix: lr_too_low') and panel().body.children[1].children[0].value"
    )
    assert "OK: with a learning rate of 0.003, the loss falls" in pressed(kernel, "Try this fix: lr_too_low", "OK")
    assert "; with a learning rate of 0.003 from" in kernel.value("shown()")
    kernel.run("import dataclasses; cold = dataclasses.replace(found, findings=(dataclasses.replace(found.findings[0], cured=None),))")
    kernel.run("panels.close(); cold.panel()")
    assert "OK: with a learning rate of" in pressed(kernel, "Try this fix: lr_too_low", "OK")
    (asked,) = kernel.ask("execute", "found.apply()", stop_on_error=False)["payload"]
    assert asked["source"] == "set_next_input" and asked["text"].endswith("faulty_opt = torch.optim.Adam(faulty.parameters(), lr=0.003)")
    kernel.run(asked["text"])
    kernel.run("after = %overfit_batch faulty loss_fn faulty_opt batch --steps 100 --quiet")
    assert kernel.value("(found.ok, after.ok)") == "(False, True)"


def test_any_experiment_has_a_panel(kernel):
    kernel.run("panels.close()")
    messages = kernel.run("%shape_trace net batch --panel")
    assert VIEW in str(of(messages, "display_data")[-1]) and not of(messages, "error", "stream")
    assert "OK: It runs" in pressed(kernel, "Run", "OK") and "16 x 3" in kernel.value("shown()")


@pytest.mark.parametrize("magic", ["%overfit_batch quick loss_fn quick_opt easy --steps 20", "%dldebug", "%%watch --budget 1"])
def test_with_panels_on_every_answer_has_one_unless_it_is_quiet(kernel, magic):
    cell = "\nquick_opt.zero_grad()\nloss_fn(quick(easy[0]), easy[1]).backward()\nquick_opt.step()" if magic[1] == "%" else ""
    quiet = f"{magic} ;" if magic == "%dldebug" else f"{magic} --quiet"
    try:
        kernel.run("panels.close()\n%config DLDebugMagics.panels = 'on'")
        for line, count in ((quiet, 0), (magic, 1)):
            messages = kernel.run(line + cell)
            views = [shown for shown in of(messages, "display_data") if VIEW in shown["data"]]
            assert not of(messages, "error", "stream") and len(views) == count, messages
    finally:
        kernel.run("%config DLDebugMagics.panels = 'off'\npanels.close()")
    assert VIEW not in str(kernel.run(magic + cell))


def test_unloading_closes_all(opened):
    kernel, _ = opened
    kernel.run("%unload_ext dldebug")
    assert kernel.value("(alive(), len(panels.live))") == "(0, 0)"
    assert "run %load_ext dldebug" in kernel.ask("execute", "r.panel()", stop_on_error=False)["evalue"]
    kernel.run("%load_ext dldebug")
    kernel.run(LOOK)


OPTIONS = [
    Option("deep", WHOLE, 3, "how deep"),
    Option("rate", NUMBER, 0.5, "how fast"),
    Option("maybe", NUMBER, None),
    Option("plot", FLAG, True),
    Option("hurry", FLAG, False),
    Option("kind", WORD, "plain"),
    Option("model", "a name or an expression"),
]


def test_controls_come_from_the_options_and_hand_on_what_would_be_typed():
    from dldebug_magics.notebook.panels.controls import Controls
    from dldebug_magics.notebook.panels.panel import Panel

    panel = Panel("test")
    controls = Controls(panel, OPTIONS, {"hurry": "", "deep": "4"}, {"model": ["net"]})
    kinds = {name: type(widget).__name__ for name, widget in controls.widgets.items()}
    assert kinds == dict(zip(kinds, "BoundedIntText FloatText Text Checkbox Checkbox Text Combobox".split(), strict=True))
    assert controls.typed() == {"deep": "4", "hurry": ""} and all(widget.description for widget in controls.widgets.values())
    values = {"deep": 7, "rate": 1e-4, "maybe": "2", "plot": False, "hurry": False, "kind": "new", "model": "net.body"}
    for name, value in values.items():
        controls.widgets[name].value = value
    assert controls.typed() == {"deep": "7", "rate": "0.0001", "maybe": "2", "plot": "", "kind": "new", "model": "net.body"}
    panel.close()


def test_a_terminal_has_no_panel_and_says_so(run, pretended):
    assert "a panel needs a notebook" in run("import torch\nnet = torch.nn.Linear(1, 1)\n%overfit_batch net --panel").err
    assert pretended.subject is None
