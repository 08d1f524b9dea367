from traincheck import annotate_stage
import os

os.environ["TRAINCHECK_OUTPUT_DIR"] = "/tmp/tmpgi0gejxo/checked"

from traincheck.utils import register_custom_excepthook

if os.environ.get("TRAINCHECK_DEBUG") == "1":
    print("TRAINCHECK_DEBUG is set to 1, registering custom excepthook")
    register_custom_excepthook(True)

import traincheck.config.config as general_config

general_config.INSTR_DESCRIPTORS = False
general_config.MODEL_TRACKER_STYLE = "proxy"
import traincheck.instrumentor.proxy_wrapper.proxy_config as proxy_config

proxy_config.__dict__.update({"proxy_log_dir": "/tmp/tmpgi0gejxo/checked/proxy_log.json"})

from traincheck.instrumentor.proxy_wrapper.proxy import Proxy

import glob
import importlib
from traincheck.instrumentor.proxy_wrapper.proxy_config import auto_observer_config

spec = importlib.util.find_spec("traincheck")
if spec and spec.origin:
    traincheck_folder = os.path.dirname(spec.origin)
else:
    raise Exception("traincheck is not installed properly")
enable_auto_observer_depth = auto_observer_config["enable_auto_observer_depth"]
neglect_hidden_func = auto_observer_config["neglect_hidden_func"]
neglect_hidden_module = auto_observer_config["neglect_hidden_module"]
observe_then_unproxy = auto_observer_config["observe_then_unproxy"]
observe_up_to_depth = auto_observer_config["observe_up_to_depth"]
from traincheck.static_analyzer.graph_generator.call_graph_parser import add_observer_given_call_graph

log_files = glob.glob(os.path.join(traincheck_folder, "static_analyzer", "func_level", "*.log"))
for log_file in log_files:
    add_observer_given_call_graph(
        log_file,
        depth=enable_auto_observer_depth,
        observe_up_to_depth=observe_up_to_depth,
        neglect_hidden_func=neglect_hidden_func,
        neglect_hidden_module=neglect_hidden_module,
        observe_then_unproxy=observe_then_unproxy,
    )
"The tiny MLP of `watch.py` as a script, for tools that rewrite scripts and run them; prints what a step takes."
import os
import time
import torch
from traincheck.instrumentor.tracer import Instrumentor

Instrumentor(
    torch,
    scan_proxy_in_args=True,
    use_full_instr=False,
    funcs_to_instr=None,
    API_dump_stack_trace=False,
    sampling_interval=10,
    warm_up_steps=10,
).instrument()
from torch import nn
from traincheck.instrumentor.tracer import Instrumentor

Instrumentor(
    nn,
    scan_proxy_in_args=True,
    use_full_instr=False,
    funcs_to_instr=None,
    API_dump_stack_trace=False,
    sampling_interval=10,
    warm_up_steps=10,
).instrument()


def main():
    annotate_stage("init")
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    model = Proxy(model, recurse=True, logdir=proxy_config.proxy_log_dir, var_name="model")
    optimizer, loss_fn = (torch.optim.SGD(model.parameters(), lr=0.001), nn.CrossEntropyLoss())
    x, y, steps = (torch.randn(32, 20), torch.zeros(32, dtype=torch.long), int(os.environ.get("STEPS", "1000")))
    began = time.process_time()
    for _ in range(steps):
        from traincheck.instrumentor.control import start_step

        start_step()
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        annotate_stage("training")
        optimizer.step()
        loss.item()
    print("seconds a step:", (time.process_time() - began) / steps)


if __name__ == "__main__":
    main()
