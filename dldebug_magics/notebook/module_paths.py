"""The paths of the modules in the model that an unfinished line is about. Only names are looked up: Tab must run nothing of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import candidates


def module_paths(words: Sequence[str], kept: str, visible: dict[str, Any], token: str) -> list[str]:
    """The paths that the token may become, one level at a time, as a shell completes files. `words` stand before it on the line."""
    model = _model(words, kept, visible)
    if model is None:
        return []
    plain = getattr(model, "_orig_mod", model)
    return [path for path, _ in plain.named_modules(remove_duplicate=False) if path and path.count(".") == token.count(".")]


def _model(words: Sequence[str], kept: str, visible: dict[str, Any]) -> Any:
    """The first model that the line names, else the one that `%subject` did, else the only one."""
    found = candidates.by_part(visible)
    models = {name: thing for name, thing in found["model"].items() if name not in found["loss"]}
    named = next((models[word] for word in (*words, kept) if word in models), None)
    only = list(candidates.models(visible).values())
    return named if named is not None else only[0] if len(only) == 1 else None
