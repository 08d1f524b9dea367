"""The real engine in a real kernel: what arrives at a front end, and what the stop button leaves behind."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
SET_UP = """
import hashlib, io, random, time
import numpy, torch
from torch import nn

class Slow(nn.Linear):
    def forward(self, x):
        time.sleep(0.002)
        return super().forward(x)

def state():
    written = io.BytesIO()
    flags = [(m.training, sorted(m._forward_hooks)) for m in net.modules()], [(p.requires_grad, p.grad) for p in net.parameters()]
    randomness = torch.get_rng_state(), random.getstate(), numpy.random.get_state()
    torch.save((net.state_dict(), opt.state_dict(), flags, randomness), written)
    return hashlib.sha256(written.getvalue()).hexdigest()

torch.manual_seed(0)
net = nn.Sequential(Slow(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Linear(8, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-7)
loss_fn = nn.CrossEntropyLoss()
batch = torch.randn(16, 6), torch.randint(0, 3, (16,))
quick = nn.Linear(6, 3)
quick_opt = torch.optim.SGD(quick.parameters(), lr=0.5)
easy = batch[0], batch[0][:, :3].argmax(1)
loss_fn(net(batch[0]), batch[1]).backward(); opt.step()
"""


class Kernel:
    """A kernel and the front end that talks to it."""

    def __init__(self, folder: Path):
        self.manager = KernelManager(kernel_name="python3")
        places = {name: str(folder) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")}
        one_thread = {"OMP_NUM_THREADS": "1"}  # two threads on a busy machine wait for each other: seconds, for a net this small
        self.manager.start_kernel(cwd=str(ROOT), env={**os.environ, **places, **one_thread, "PYTHONPATH": str(ROOT)})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, cell: str, stop_at: str = "") -> list[dict]:
        """The messages of a cell; the stop button is pressed when one of them holds the text `stop_at`."""
        asked = self.client.execute(cell, stop_on_error=False)
        messages: list[dict] = []
        while not (messages and messages[-1]["content"].get("execution_state") == "idle"):
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == asked:
                messages.append(message)
                if stop_at and stop_at in str(message["content"].get("data") or message["content"].get("text")):
                    self.manager.interrupt_kernel()
                    stop_at = ""
        return messages

    def ask(self, method: str, *question, **options) -> dict:
        asked = getattr(self.client, method)(*question, **options)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == asked:
                return reply["content"]

    def value(self, expression: str) -> str:
        reply = self.ask("execute", "", user_expressions={"asked": expression}, stop_on_error=False)
        return reply["user_expressions"]["asked"]["data"]["text/plain"]

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def of(messages: list[dict], *kinds: str) -> list[dict]:
    return [message["content"] for message in messages if message["msg_type"] in kinds]


def printed(messages: list[dict], name: str = "stdout") -> str:
    return "".join(content["text"] for content in of(messages, "stream") if content["name"] == name).strip()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    running = Kernel(tmp_path_factory.mktemp("kernel"))
    heavy = "{'torch', 'matplotlib', 'ipywidgets', 'numpy', 'sklearn', 'pandas'}"
    running.run(
        "import sys, time; before, began = set(sys.modules), time.process_time()\n%load_ext dldebug\ntook = time.process_time() - began"
    )
    running.took = float(running.value("took"))
    running.run("def counted():\n    for _ in range(2_000_000):\n        pass\nbegan = time.process_time(); counted()")
    running.pace = float(running.value("time.process_time() - began"))
    running.imported = running.value(f"sorted({heavy} & set(sys.modules) - before)")
    running.run(SET_UP)
    yield running
    running.close()


def test_loading_is_quick_and_imports_nothing_heavy(kernel):
    assert kernel.imported == "[]"
    assert kernel.took <= 6 * kernel.pace, "counted by a loop of two million, for one machine is not another"


def test_one_output_follows_the_run_and_ends_as_the_report(kernel):
    began = time.monotonic()
    messages = kernel.run("%overfit_batch net loss_fn opt batch --steps 300 --budget 2")
    seconds = time.monotonic() - began
    (first,), updates = of(messages, "display_data"), of(messages, "update_display_data")
    assert "step" in first["data"]["text/plain"] and not of(messages, "execute_result", "error", "stream")
    assert {u["transient"]["display_id"] for u in updates} == {first["transient"]["display_id"]}
    assert 2 <= len(updates) <= 4 * seconds + 2
    last = updates[-1]["data"]
    assert last["text/html"].startswith("<section") and "bit-identical" in " ".join(last["text/plain"].split())


def test_a_report_can_be_kept_and_shown_again(kernel):
    messages = kernel.run("r = %overfit_batch quick loss_fn quick_opt easy")
    assert not of(messages, "execute_result") and len(of(messages, "display_data")) == 1
    (shown,) = of(kernel.run("r"), "execute_result")
    assert shown["data"]["text/html"].startswith("<section") and shown["data"]["text/plain"]
    assert not of(kernel.run("r"), "display_data")


@pytest.mark.parametrize("ending", ["--quiet", ";"])
def test_quiet_sends_nothing(kernel, ending):
    messages = kernel.run(f"%overfit_batch quick loss_fn quick_opt easy {ending}")
    assert not of(messages, "display_data", "update_display_data", "execute_result", "stream", "error")


@pytest.mark.parametrize("stop_at", ["step 1", "0"])
def test_the_stop_button_leaves_no_trace_and_shows_what_was_seen(kernel, stop_at):
    before = kernel.value("state()")
    messages = kernel.run("%overfit_batch net loss_fn opt batch --steps 100000\nprint('went on')", stop_at=stop_at)
    last = of(messages, "update_display_data", "display_data")[-1]["data"]
    assert "Stopped: by you" in last["text/plain"] and "bit-identical" in " ".join(last["text/plain"].split())
    assert [error["ename"] for error in of(messages, "error")] == ["KeyboardInterrupt"] and "went on" not in printed(messages)
    assert of(messages, "error")[0]["traceback"] == ["KeyboardInterrupt"]
    assert kernel.value("state()") == before


def test_a_mistake_is_one_line_and_fails_the_cell(kernel):
    messages = kernel.run("%overfit_batch nett\nprint('went on')")
    assert printed(messages, "stderr").startswith("UsageError: no name `nett` here; did you mean `net`?")
    assert printed(messages, "stderr").count("\n") == 0 and not of(messages, "error") and "went on" not in printed(messages)
    assert kernel.ask("execute", "%overfit_batch nett", stop_on_error=False)["status"] == "error"


def test_a_loader_that_raises_shows_its_own_words_and_no_frame_of_ours(kernel):
    before = kernel.value("state()")
    kernel.run("class Broken:\n    def __iter__(self):\n        raise OSError('disk gone')")
    messages = kernel.run("%overfit_batch net loss_fn opt Broken()")
    said = printed(messages, "stderr") + "".join(line for error in of(messages, "error") for line in error["traceback"])
    assert "disk gone" in said and "dldebug_magics" not in said
    assert not of(messages, "display_data") and kernel.value("state()") == before


@pytest.mark.parametrize("data", ["[]", "'net'", "3", "iter([1])", "[(None, None)]"])
def test_data_that_holds_no_batch_is_one_line(kernel, data):
    messages = kernel.run(f"%overfit_batch net loss_fn opt --train {data}")
    assert printed(messages, "stderr").startswith("UsageError: ") and printed(messages, "stderr").count("\n") == 0


def test_a_failed_assertion_comes_after_the_report(kernel):
    messages = kernel.run("%overfit_batch quick loss_fn None easy --steps 20 --budget 1 --assert")
    (error,) = of(messages, "error")
    assert error["traceback"] == [f"AssertionError: {error['evalue']}"] and "\n" not in error["evalue"]
    assert of(messages, "update_display_data", "display_data")[-1]["data"]["text/html"].startswith("<section")


def test_tab_and_help_through_the_front_end(kernel):
    line = "%overfit_batch net --st"
    offered = kernel.ask("complete", line, len(line))
    assert {"--step", "--steps"} <= set(offered["matches"]) and offered["cursor_start"] == len(line) - 4
    line = "%overfit_batch qu"
    offered = kernel.ask("complete", line, len(line))
    assert {"quick"} <= set(offered["matches"]) and offered["cursor_start"] == len(line) - 2
    (page,) = kernel.ask("execute", "%overfit_batch?")["payload"]
    assert "--steps" in page["data"]["text/plain"] and page["data"]["text/plain"].count("overfit_batch net") >= 3


FAILING = """
class Wrong(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(6, 8), nn.Linear(7, 3)
    def forward(self, x):
        return self.head(self.body(x))
wrong = Wrong()
wrong(batch[0])
"""


def shown(messages: list[dict]) -> str:
    return " ".join(" ".join(content["data"]["text/plain"] for content in of(messages, "display_data", "execute_result")).split())


def test_an_exception_is_explained_afterwards_with_its_cell_and_line(kernel):
    (error,) = of(kernel.run(FAILING), "error")
    number = int(kernel.value("len(In)")) - 1
    messages = kernel.run("r = %explain_error")
    told = " ".join(of(messages, "update_display_data", "display_data")[-1]["data"]["text/plain"].split())
    assert "RuntimeError in the forward pass" in told and "proven: linear_in_features_mismatch" in told and "bit-identical" in told
    assert f"cell {number}, line 6" in told and error["evalue"] in told and "wrong.head = nn.Linear(8, 3)" in told
    assert not of(messages, "error", "stream")


def test_an_exception_is_explained_in_front_of_its_traceback(kernel):
    kernel.run(FAILING)
    (alone,) = of(kernel.run("wrong(batch[0])"), "error")
    assert not of(kernel.run("%config DLDebugMagics.explain_errors = True"), "error", "stream")
    try:
        before = kernel.value("state()")
        messages = kernel.run("wrong(batch[0])")
        kinds = [message["msg_type"] for message in messages if message["msg_type"] in ("display_data", "error")]
        assert kinds == ["display_data", "error"] and "linear_in_features_mismatch" in shown(messages) and not printed(messages, "stderr")
        (error,) = of(messages, "error")
        assert (error["ename"], error["evalue"], len(error["traceback"])) == (alone["ename"], alone["evalue"], len(alone["traceback"]))
        assert kernel.ask("execute", "wrong(batch[0])", stop_on_error=False)["evalue"] == error["evalue"]
        assert kernel.value("state()") == before
        other = kernel.run("undefined")
        assert not of(other, "display_data", "stream") and of(other, "error")[0]["ename"] == "NameError"
    finally:
        kernel.run("%config DLDebugMagics.explain_errors = False")
    assert not of(kernel.run("wrong(batch[0])"), "display_data")


def test_a_cell_under_the_tracer_shows_its_shapes_and_its_own_exception(kernel):
    messages = kernel.run("%%shape_trace net\nout = net(batch[0])\nout.shape[0] * 3")
    assert "48" in shown(messages) and "it runs, output 16 x 3" in shown(messages).replace("It runs", "it runs")
    kernel.run(FAILING)
    messages = kernel.run("%%shape_trace wrong\nwrong(batch[0])")
    kinds = [message["msg_type"] for message in messages if message["msg_type"] in ("display_data", "error")]
    assert kinds == ["display_data", "error"] and "proven: linear_in_features_mismatch" in shown(messages)
    (error,) = of(messages, "error")
    assert error["ename"] == "RuntimeError" and "traced_cell" not in "".join(error["traceback"])


def test_the_stop_button_passes_through_a_cell_under_the_tracer(kernel):
    messages = kernel.run("%%shape_trace net\nnet(batch[0])\nprint('begun')\ntime.sleep(30)", stop_at="begun")
    assert [error["ename"] for error in of(messages, "error")] == ["KeyboardInterrupt"]
    assert kernel.value("[len(m._forward_pre_hooks) for m in net.modules()]") == str([0] * 5)


LOOP = """
for step in range({steps}):
    opt.zero_grad()
    loss = loss_fn(net(batch[0]), batch[1])
    loss.backward()
    opt.step()
    if step == 5:
        display({{"text/plain": "well under way"}}, raw=True)
"""


def test_a_watched_cell_prints_what_it_would_and_ends_with_the_report(kernel):
    messages = kernel.run(f"%%watch net opt{LOOP.format(steps=20)}\nlast = loss.item()\nprint('trained')\nlast")
    assert printed(messages) == "trained" and not of(messages, "error")
    first, report = of(messages, "display_data")
    assert first["data"]["text/plain"] == "well under way" and report["data"]["text/html"].startswith("<section")
    assert "20 optimizer steps" in report["data"]["text/plain"]
    assert [float(result["data"]["text/plain"]) for result in of(messages, "execute_result")] == [float(kernel.value("last"))]
    (page,) = kernel.ask("execute", "%%watch?")["payload"]
    assert page["data"]["text/plain"].count("%%watch") >= 4


def test_the_stop_button_in_a_watched_cell_shows_what_was_seen_and_leaves_no_hook(kernel):
    kernel.run("from dldebug_magics.instruments.watch import _standing; standing = _standing()")
    messages = kernel.run(f"%%watch{LOOP.format(steps=100000)}", stop_at="well under way")
    (error,) = of(messages, "error")
    told = re.sub(r"\x1b\[[0-9;]*m", "", "".join(error["traceback"]))
    assert error["ename"] == "KeyboardInterrupt" and "dldebug_magics" not in told and "run_cell_magic" not in told and "opt.step" in told
    assert "Stopped: by you" in of(messages, "display_data")[-1]["data"]["text/plain"]
    assert kernel.value("_standing() == standing") == "True" and kernel.value("step") != "99999"


def test_the_corrected_cell_is_put_below_the_watched_one(kernel):
    loop = "for _ in range(9):\n    loss = loss_fn(quick(easy[0]), easy[1])\n{}    loss.backward()\n    quick_opt.step()\n"
    shown = str(of(kernel.run(f"%%watch quick\n{loop.format('')}"), "display_data", "execute_result"))
    (asked,) = kernel.ask("execute", re.search(r"Out\[\d+\]\.apply\(\)", shown)[0], stop_on_error=False)["payload"]
    corrected = f"%%watch quick\n{loop.format('    quick_opt.zero_grad()' + chr(10))}"
    assert asked == {"source": "set_next_input", "text": corrected, "replace": False}


def test_a_watched_cell_that_awaits_says_so_and_a_watched_block_waits(kernel):
    loop = "for _ in range(4):\n    loss_fn(quick(easy[0]), easy[1]).backward(); quick_opt.step(); await asyncio.sleep(0)\n"
    (said,) = of(kernel.run(f"%%watch\nimport asyncio\n{loop}"), "error", "stream")
    assert "can't be run below %%watch" in str(said)
    indented = "".join(f"    {line}\n" for line in loop.splitlines())
    messages = kernel.run(f"import asyncio, dldebug\nwith dldebug.watch() as seen:\n{indented}")
    assert not of(messages, "error"), messages
    assert kernel.value("[f.name for f in seen.findings], seen.untouched") == "(['missing_zero_grad'], True)"


def test_prove_shows_both_courses_and_changes_nothing(kernel):
    kernel.run("taught = nn.Linear(6, 3); taught_opt = torch.optim.SGD(taught.parameters(), lr=0.5)")
    cell = """%%watch --prove --budget 200
for step in range(30):
    taught_opt.zero_grad()
    loss = loss_fn(taught(easy[0]), easy[1])
    loss.backward()
    nn.utils.clip_grad_norm_(taught.parameters(), 1e-4)
    taught_opt.step()
print('trained')
before = state(), [p.tolist() for p in taught.parameters()]
6 * 7"""
    messages = kernel.run(cell)
    report = [*of(messages, "display_data"), *of(messages, "update_display_data")][-1]["data"]
    assert printed(messages) == "trained" and not of(messages, "error")
    assert "proven: grad_clip_too_small" in report["text/plain"] and "with the change" in report["text/plain"]
    assert report["text/html"].count('<img alt="Run again on copies') == 1 and "Copies ran" in report["text/plain"]
    assert kernel.value("(state(), [p.tolist() for p in taught.parameters()]) == before") == "True"
    assert [result["data"]["text/plain"] for result in of(messages, "execute_result")] == ["42"]


def test_workers_know_a_class_that_was_defined_in_a_cell_and_are_gone_afterwards(kernel):
    kernel.run("import psutil; from torch.utils.data import ConcatDataset, DataLoader, TensorDataset; few = TensorDataset(*batch)")
    kernel.run("held_out, long = DataLoader(few, 3, shuffle=True), ConcatDataset([few] * 10000)")
    kernel.run("alone = %bias_variance net loss_fn --val held_out --metric loss --quiet")
    messages = kernel.run("shared = %bias_variance net loss_fn --val held_out --metric loss --workers 2 --quiet")
    assert not of(messages, "error", "stream"), messages
    assert kernel.value("shared.experiment == alone.experiment, shared.untouched") == "(True, True)"
    messages = kernel.run("%bias_variance net loss_fn --val DataLoader(long,4) --workers 2", stop_at="samples of val read")
    last = of(messages, "update_display_data", "display_data")[-1]["data"]["text/plain"]
    assert "Stopped: by you" in last and "bit-identical" in " ".join(last.split()) and not of(messages, "stream"), messages
    assert kernel.value("[p.pid for p in psutil.Process().children() if 'serve' in str(p.cmdline())]") == "[]"
