"""The example notebooks run from top to bottom in a real kernel, on the oldest IPython that we promise as on the latest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("mlxtend")
EXAMPLES = Path(__file__).parents[1] / "example_notebooks"
LOOPS = [("missing_zero_grad", "line 5"), ("eval_mode_during_training", "line 2")]
LOOPS += [("scheduler_per_batch_vs_epoch", "line 8"), ("wrong_reduction", "line 5")]
CRASHES = (
    "linear_in_features_mismatch",
    "channels_last_input",
    "float64_input",
    "labels_wrong_dtype",
    "label_out_of_range",
    "tensor_shape_mismatch",
    "double_backward",
    "batch_time_swapped",
    "float64_input",
)
TERMS = ["Bias", "Variance", "Distribution shift"]
SHORTFALLS = ["underfitting", "overfitting", "distribution_shift", "covariate_shift"]
CAUSES = ("softmax_before_cross_entropy", "loss_broadcast", "params_in_plain_list")


def test_the_quick_start_names_three_causes_and_passes_after_each_fix(tmp_path):
    copy = tmp_path / "quickstart.ipynb"
    copy.write_text((EXAMPLES / "quickstart.ipynb").read_text())
    done = subprocess.run([sys.executable, EXAMPLES / "run.py", str(copy), "--save"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    verdicts = re.findall(r"^(Proven: \w+|It learns)", done.stdout, re.MULTILINE)
    assert verdicts == [word for cause in CAUSES for word in (f"Proven: {cause}", "It learns")]
    shown = text_of(nbformat.read(copy, as_version=4))
    assert shown.count("bit-identical to before") == 6
    assert "return self.head(self.features(picture))" in shown


def test_the_climb_names_two_faults_together_and_shuffled_labels_and_is_silent_on_the_rest(tmp_path):
    copy = tmp_path / "diagnose.ipynb"
    copy.write_text((EXAMPLES / "diagnose.ipynb").read_text())
    done = subprocess.run([sys.executable, EXAMPLES / "run.py", str(copy), "--save"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    verdicts = re.findall(r"\b(?:Overfit|Data): (Proven: .*?\.|It learns)", " ".join(done.stdout.split()))
    assert verdicts == ["Proven: softmax_before_cross_entropy and lr_too_low.", "It learns", "Proven: labels_shuffled.", "It learns"]
    assert text_of(nbformat.read(copy, as_version=4)).count("bit-identical to before") == 4


def test_every_kind_of_crash_gets_its_cause_and_runs_once_repaired(tmp_path):
    copy = tmp_path / "get_it_to_run.ipynb"
    copy.write_text((EXAMPLES / "get_it_to_run.ipynb").read_text())
    done = subprocess.run([sys.executable, EXAMPLES / "run.py", str(copy), "--save"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = " ".join(done.stdout.split())
    assert tuple(re.findall(r"(?:Why|But): (\w+) \(proven\)", told)) == CRASHES
    assert told.count("It runs, output") == 8
    assert "bit-identical to before" in text_of(nbformat.read(copy, as_version=4))


def test_four_loops_are_named_with_their_line_and_the_sound_one_is_left_in_peace(tmp_path):
    copy = tmp_path / "watch_your_loop.ipynb"
    copy.write_text((EXAMPLES / "watch_your_loop.ipynb").read_text())
    done = subprocess.run([sys.executable, EXAMPLES / "run.py", str(copy), "--save"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = " ".join(done.stdout.split())
    assert re.findall(r"Proven: (\w+) \(cell \d+, (line \d+)", told) == LOOPS
    assert told.count("nothing wrong was seen in the loop") == 1


def test_the_story_works_on_the_largest_term_at_each_step_and_the_error_falls(tmp_path):
    """Pilots have three seconds instead of forty, which they say: what they find is the business of other tests."""
    copy = tmp_path / "evaluate_and_improve.ipynb"
    story = (EXAMPLES / "evaluate_and_improve.ipynb").read_text()
    assert story.count("--budget 40") >= 3
    copy.write_text(story.replace("--budget 40", "--budget 3"))
    done = subprocess.run([sys.executable, EXAMPLES / "run.py", str(copy), "--save"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = " ".join(done.stdout.split())
    assert re.findall(r"(Bias|Variance|Distribution shift), [\d.]+ % \([^)]*\), is the largest term", told) == TERMS
    assert re.findall(r"Likely: (\w+)", told) == SHORTFALLS
    known = [float(error) for error in re.findall(r"Error on train [\d.]+ %, train-val ([\d.]+) %", told)][:3]
    assert len(known) == 3 and known == sorted(known, reverse=True) and known[0] > 17 and known[2] < 8
    elsewhere = [float(error) for error in re.findall(r"test-val ([\d.]+) %", told)]
    assert len(elsewhere) == 2 and elsewhere[0] > 15 and elsewhere[1] < 8
    assert text_of(nbformat.read(copy, as_version=4)).count("bit-identical to before") == 10


def text_of(notebook):
    """All text outputs of a notebook."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("data", {}).get("text/plain", "") for output in outputs)
