"""Write docs/causes: the page of every cause, as `%explain` shows it, in Markdown, and an index by stage. This is what `make docs` does.

The pages are made from the checks and from nothing else; `tests/test_docs.py` says when they are old.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from dldebug_magics.checks import all_checks
from dldebug_magics.document import Block, Code, Heading, Table, Text
from dldebug_magics.engine.stage import stage
from dldebug_magics.reference import page

CAUSES = Path(__file__).parent / "causes"


def pages() -> dict[str, str]:
    """Every file's name and text."""
    return {"README.md": index(), **{f"{check.name}.md": markdown(page(check.name)) for check in all_checks()}}


def index() -> str:
    """The causes by stage, each with its title."""
    lines = ["# Causes", "", "Made by `make docs` from the checks; `%explain NAME` shows the same pages in a notebook."]
    for name, checks in groupby(all_checks(), key=lambda check: check.stage):
        lines += ["", f"## {name}", "", stage(name).question, "", "| cause | your model has it when |", "|---|---|"]
        lines += [f"| [`{check.name}`]({check.name}.md) | {check.title} |" for check in checks]
    return "\n".join(lines) + "\n"


def markdown(blocks: tuple[Block, ...]) -> str:
    """A page's blocks in Markdown."""
    return "\n\n".join(_written(block) for block in blocks) + "\n"


def _written(block: Block) -> str:
    if isinstance(block, Heading):
        return f"# {block.text}"
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Code):
        return f"```diff\n{block.source}\n```"
    if isinstance(block, Table):
        rows = ["| | |", "|---|---|", *(f"| **{head}** | {_cell(text)} |" for head, text in block.rows)]
        return "\n".join(rows)
    raise TypeError(f"a page of a cause has no {type(block).__name__}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write what differs, and take away the pages of causes that are no more."""
    made = pages()
    CAUSES.mkdir(exist_ok=True)
    for old in CAUSES.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        CAUSES.joinpath(name).write_text(text, encoding="utf-8")
    print(f"{len(made)} pages in {CAUSES}")


if __name__ == "__main__":
    main()
