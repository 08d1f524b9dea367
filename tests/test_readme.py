"""The README's table of causes is made from the checks: `python tests/test_readme.py --write` renews it, the test says when it is old."""

from __future__ import annotations

import sys
from pathlib import Path

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


if __name__ == "__main__" and "--write" in sys.argv:
    README.write_text(renewed(README.read_text()))
