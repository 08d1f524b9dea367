"""Blocks as something that a cell can end with: text in a terminal, HTML in a notebook."""

from __future__ import annotations

from ..document import Block, as_html, as_text


class Page:
    """What `%explain`, `%subject` and `%dldebug` return."""

    def __init__(self, blocks: tuple[Block, ...]):
        self.blocks = blocks

    def __repr__(self) -> str:
        return as_text(self.blocks)

    def _repr_html_(self) -> str:
        return as_html(self.blocks)
