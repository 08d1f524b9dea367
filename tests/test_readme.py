"""The README's table of causes is made from the checks: `python tests/test_readme.py --write` renews it, the test says when it is old.

Its first five cells run as they are printed, and say what is printed below them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dldebug_magics.checks import all_checks

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- causes: made from the checks by tests/test_readme.py --write -->", "<!-- end of causes -->"


def table() -> str:
    """A row a name; a cause that several stages see has the title of the first."""
    titles, stages = dict[str, str](), dict[str, dict[str, None]]()
    for check in all_checks():
        titles.setdefault(check.name, check.title)
        stages.setdefault(check.name, {}).update(dict.fromkeys((check.stage, *check.also)))
    rows = [f"| `{name}` | {title} | {', '.join(stages[name])} |" for name, title in titles.items()]
    return "\n".join(["| name | your model has it when | heard at |", "|---|---|---|", *rows])


def renewed(text: str) -> str:
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def test_the_table_of_causes_is_current():
    text = README.read_text()
    assert renewed(text) == text
    assert all(text.count(f"| `{check.name}` |") == 1 for check in all_checks())


def test_names_the_two_commands_first():
    assert "```\nmake demo\nmake test\n```" in README.read_text().partition("## Thirty seconds")[0]


CELLS_IN_A_SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.stdin.read().split("\\0"):
    shell.run_cell(cell, store_history=True).raise_error()
    print("\\0")
"""
NUMBER = r"\d+(?:\.\d+)?"


def printed_path() -> list[tuple[str, list[str]]]:
    """The cells of "Thirty seconds", each with the paragraphs that are quoted below it, without their marks."""
    section = README.read_text().partition("## Thirty seconds\n")[2].partition("\n## ")[0]
    path = []
    for cell, below in re.findall(r"```python\n(.*?)\n```\n(.*?)(?=```python|\Z)", section, re.DOTALL):
        quoted = re.sub(r"(?m)^> ?|\*\*|`", "", "".join(re.findall(r"(?m)^>.*\n", below)))
        path.append((cell, [" ".join(part.split()) for part in quoted.split("\n\n") if part.strip()]))
    return path


def test_the_first_five_cells_run_as_printed_and_say_what_is_printed(tmp_path):
    path = printed_path()
    assert [len(quoted) for _, quoted in path] == [0, 2, 0, 1, 2]
    surroundings = {**os.environ, "IPYTHONDIR": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(README.parent)}
    command, cells = [sys.executable, "-c", CELLS_IN_A_SHELL], "\0".join(cell for cell, _ in path)
    done = subprocess.run(command, input=cells, capture_output=True, text=True, env=surroundings, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for (cell, quoted), said in zip(path, done.stdout.split("\0"), strict=False):
        told = " ".join(said.split())
        for part in quoted:
            pattern = re.sub(NUMBER, lambda _: f"({NUMBER})", re.escape(" ".join(part.split())).replace("\\.", "."))
            found = re.search(pattern, told)
            assert found, (cell, part, told[:1500])
            expected = [float(number) for number in re.findall(NUMBER, part)]
            assert [float(number) for number in found.groups()] == pytest.approx(expected, rel=0.3)  # another torch, other digits


if __name__ == "__main__" and "--write" in sys.argv:
    README.write_text(renewed(README.read_text()))
