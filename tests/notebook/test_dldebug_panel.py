"""The map of `%dldebug --panel` in a real kernel: how each rung stands, one click to run its magic, and the map moves on."""

from __future__ import annotations

import pytest

from tests.notebook.test_kernel import SET_UP, Kernel, of
from tests.notebook.test_panels import LOOK, VIEW, pressed

STATES = """
import html, json, re
def rungs():
    return {row.children[0].children[0].description if row.children[0].children else "": row.children[1].value
            for row in panel().body.children if type(row).__name__ == "HBox"}
def rung(number):
    return html.unescape(panel().body.children[number + 1].children[1].value)
def marked():
    return [one.description for one in _parts(panel().root) if getattr(one, "button_style", "") == "primary" and one.description != "Run"]
def written():
    (arguments,) = re.findall('data-commandlinker-args="([^"]*)"', shown())
    return json.loads(html.unescape(arguments))["args"]["text"]
def due():
    (button,) = re.findall("<button.*?</button>", shown())
    return "brand" in button
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    running.run("%load_ext dldebug")
    running.run(SET_UP)
    running.run("del net, opt, Slow; train_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*easy), 16)")
    running.run(LOOK + STATES)
    yield running
    running.close()


def test_the_page_stands_above_a_click_moves_the_map_and_so_does_another_cell(kernel):
    messages = kernel.run("page = %dldebug --panel")
    above, view = of(messages, "display_data")
    assert "the ladder" in above["data"]["text/html"] and VIEW in view["data"] and not of(messages, "error", "stream", "execute_result")
    assert kernel.value("marked()") == "['%shape_trace']" and "NEXT: %shape_trace" in kernel.value("rungs()['%shape_trace']")
    assert "%shape_trace: not asked" in kernel.value("shown()") and "type %%watch above your own loop" in kernel.value("shown()")
    assert "%start_simple is not yet here" in kernel.value("rung(1)") and kernel.value("due()") == "False"
    before = kernel.value("hash(str(quick.state_dict()))")
    assert "OK: It runs" in pressed(kernel, "%shape_trace", "OK")
    assert "%shape_trace: asked, OK: It runs" in kernel.value("rungs()['%shape_trace']") and "16 x 3" in kernel.value("shown()")
    assert kernel.value("marked()") == "['%memory_plan']" and kernel.value("hash(str(quick.state_dict()))") == before

    # another cell's answer is seen, too, and a failure is next
    kernel.run("r = %overfit_batch quick loss_fn quick_opt train_loader --steps 1 --lr-factor 1e-9 --budget 5 --quiet")
    assert kernel.value("r.ok") == "False" and "%overfit_batch: asked, FAILED: " in kernel.value("rungs()['%overfit_batch']")
    kernel.run("r = %memory_plan quick loss_fn quick_opt train_loader --budget 5 --quiet")
    assert kernel.value("marked()") == "['%overfit_batch']" and "repair what %overfit_batch found" in kernel.value("shown()")
    assert "It learns" in pressed(kernel, "%overfit_batch", "OK")
    assert "OK: It learns" in kernel.value("rungs()['%overfit_batch']") and kernel.value("control('steps').value") == "300"

    # frozen it is words
    frozen = of(kernel.run("panel().freeze()"), "update_display_data")[-1]["data"]["text/html"]
    assert "%overfit_batch: asked, OK" in frozen and "<button" not in frozen and "NEXT: " in frozen
    kernel.run("r = %shape_trace quick easy --quiet")
    kernel.run("panels.close()")
    assert kernel.value("alive()") == "0"


def test_each_rung_has_its_button_and_the_loop_is_written_in_the_names_that_are_here(kernel):
    kernel.run("panels.close(); get_ipython().run_line_magic('reload_ext', 'dldebug')")
    kernel.run(LOOK)
    kernel.run("%dldebug --panel")
    assert "NEXT: %shape_trace: not asked" in kernel.value("rung(2)")

    # an exception: that there is none, that there is one, and that it was explained
    assert "there is nothing to explain" in pressed(kernel, "%explain_error", "No cell of this notebook has failed")
    assert of(kernel.run("quick(torch.randn(2, 5))"), "error")
    pressed(kernel, "%shape_trace", "OK: It runs")
    assert kernel.value("marked()") == "['%explain_error']" and "Its subject would be RuntimeError: mat1 and mat2" in kernel.value(
        "rung(2)"
    )
    assert "Next: %explain_error" in str(of(kernel.run("%dldebug"), "execute_result", "display_data"))
    pressed(kernel, "%explain_error", "FAIL: ")
    assert "%explain_error: asked, FAILED: " in kernel.value("rung(2)") and kernel.value("marked()") == "['%memory_plan']"
    kernel.run("1 / 0")
    pressed(kernel, "%memory_plan", "OK")
    assert kernel.value("marked()") == "['%overfit_batch']"  # a slip of the pen is not the ladder's business

    # the loop is next: its button is marked, its cell runs as it is, and the map moves on
    pressed(kernel, "%overfit_batch", "OK: It learns")
    assert kernel.value("marked()") == "[]" and kernel.value("due()") == "True" and "NEXT: %%watch: not asked" in kernel.value("rung(5)")
    assert "Next: %%watch." in kernel.value("shown()") and "Runs as it is" in kernel.value("rung(5)")
    kernel.run("get_ipython().run_cell(written())")
    assert kernel.value("written()").startswith("'%%watch quick quick_opt\\nquick.train()")
    assert "%%watch: asked, OK" in kernel.value("rung(5)") and kernel.value("marked()") == "['%data_audit']"

    # all of it
    pressed(kernel, "%diagnose", "OK")
    assert "%diagnose: asked, OK" in kernel.value("panel().body.children[1].children[1].value")


def test_a_slip_is_answered_and_tab_offers_it(run):
    assert "did you mean %dldebug --panel?" in run("%dldebug --panle").err
    assert "a panel needs a notebook" in run("%dldebug --panel").err
    completion = run.shell.magics_manager.registry["DLDebugMagics"].completion
    assert completion.words("%dldebug --p", "--p") == ["--panel"]
