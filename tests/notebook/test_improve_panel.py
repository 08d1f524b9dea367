"""The panel of `%improve` in a real kernel: only what is picked is piloted, what can't be piloted says why, and runs stay side by side."""

from __future__ import annotations

import pytest

from tests.notebook.test_improve_magic import SET_UP
from tests.notebook.test_kernel import Kernel, of
from tests.notebook.test_panels import LOOK, VIEW, pressed

LINE = "%improve net loss_fn optimizer train_loader --train-val held_out --test-val val_loader --human 0.0"
BOXES = """
def boxes():
    return {one.description: one for one in _parts(panel().root) if type(one).__name__ == "Checkbox"}
def cards():
    return [one.value for one in panel().body.children[-1].children]
def reason(label):
    rows = [row for row in panel().body.children[1].children[1:] if hasattr(row, "children")]
    row = next(row for row in rows if row.children[0].description == label)
    return row.children[1].value
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    running.run("%load_ext dldebug")
    running.run(SET_UP)
    running.run(LOOK + BOXES)
    messages = running.run(f"r = {LINE} --term variance --passes 1 --seeds 2 --budget 20 --panel")
    assert not of(messages, "error", "stream"), of(messages, "error", "stream")
    assert VIEW in str(of(messages, "display_data")[-1])
    yield running
    running.close()


def test_what_no_pilot_can_try_is_off_and_what_is_picked_is_piloted(kernel):
    assert kernel.value("(control('What to lower').value, control('seeds').value, control('budget').value)") == "('variance', 2, 20.0)"
    assert (
        kernel.value("boxes()['error analysis'].disabled, boxes()['tuned'].disabled, boxes()['more data'].disabled")
        == "(True, False, False)"
    )
    assert "Not piloted here: a person must look" in kernel.value("reason('error analysis')")
    could = kernel.value("sum(not one.disabled for one in boxes().values())")
    assert kernel.value("control('only').value") == "''" and f"None is picked: all {could} are tried" in kernel.value("shown()")
    assert "There is no run to clear." in pressed(kernel, "Clear the runs", "no run")
    order = kernel.value("[row.children[0].disabled for row in panel().body.children[1].children[1:] if hasattr(row, 'children')]")
    assert order == str(sorted(eval(order))) and "True" in order and "False" in order  # what can't be piloted stands last

    # only what is picked is piloted, and the runs stay side by side
    kernel.run("boxes()['more regularisation'].value = boxes()['early stopping'].value = True")
    assert sorted(kernel.value("control('only').value").strip("'").split(",")) == ["early_stopping", "more_regularisation"]
    assert "Stopped" not in pressed(kernel, "Run", "tried on copies") and kernel.value("len(cards())") == "1"
    tried = kernel.value("sorted({cell.split(':')[0] for cell in __import__('re').findall(r'<t[dh][^>]*>([a-z_]+: )', cards()[0])})")
    assert "tuned" not in tried and "more_regularisation" in tried
    kernel.run("boxes()['early stopping'].value = False; control('seeds').value = 3")
    pressed(kernel, "Run", "tried on copies")
    assert kernel.value("len(cards())") == "2" and "Run 2: " in kernel.value("cards()[1]") and "seeds 2" in kernel.value("cards()[0]")
    assert "seeds 2" not in kernel.value("cards()[1]")
    beside = kernel.value("panel().body.children[-2].value")
    assert "asked with" in beside and "seeds 2" in beside and any(f"{word}: " in beside for word in ("not told apart", "helps", "harms"))
    opened = kernel.value("[card.count('<details open>') for card in cards()]")
    assert opened == "[0, 1]" and "Variance, " in kernel.value("cards()[0].partition('<details')[0]")
    assert "run 1: variance, on test-val" in beside and "run 2: variance" in beside and "not tried" in beside
    assert "early_stopping" in kernel.value("cards()[0]") and "early_stopping" not in kernel.value("cards()[1]")

    # another term has other remedies
    kernel.run("control('What to lower').value = 'bias'")
    assert kernel.value("control('term').value") == "'bias'"
    assert kernel.value("'bigger model' in boxes(), 'early stopping' in boxes()") == "(True, False)"
    kernel.run("control('What to lower').value = 'variance'")
    assert kernel.value("boxes()['more regularisation'].value, control('only').value") == "(True, 'more_regularisation')"

    # none is picked again, all at once
    kernel.run("control('Pick none').click()")
    assert kernel.value("boxes()['more regularisation'].value, control('only').value") == "(False, '')"
    kernel.run("boxes()['more regularisation'].value = True")
    assert "Only what is picked is tried, on copies: more regularisation." in kernel.value("shown()")

    # frozen and cleared
    assert "cleared" in pressed(kernel, "Clear the runs", "cleared") and kernel.value("len(cards())") == "0"
    frozen = of(kernel.run("panel().freeze()"), "update_display_data")[-1]["data"]["text/html"]
    assert "more regularisation: True" in frozen and "<button" not in frozen
    kernel.run("panels.close()")
    assert kernel.value("alive()") == "0"
