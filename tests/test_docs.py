"""docs/causes is made from the checks: `make docs` renews it, the test says when it is old."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dldebug_magics.checks import all_checks

DOCS = Path(__file__).parents[1] / "docs"


def _script():
    spec = importlib.util.spec_from_file_location("pages", DOCS / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_current_and_none_is_left_over():
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "causes").glob("*.md")}
    made = _script().pages()
    assert [name for name in made if made[name] != written.get(name)] == [], "run `make docs`"
    assert written.keys() == made.keys()


def test_a_page_tells_all_that_a_page_must():
    made = _script().pages()
    for check in all_checks():
        heads = [line.split("**")[1] for line in made[f"{check.name}.md"].splitlines() if line.startswith("| **")]
        assert {"Shows as", "Proven by", "Not this when", "Fails", "See", "Fix"} <= set(heads), check.name
        assert "```diff" in made[f"{check.name}.md"]
        assert f"[`{check.name}`]({check.name}.md)" in made["README.md"]
