"""What Tab offers after one of our magics: its options and the user's names. IPython offers neither for magics that aren't its own.

New IPython asks a matcher, which can keep other suggestions away; old IPython has only a hook by pattern. Names never import torch: where
it isn't imported yet there is no model to name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import reference
from . import candidates
from .module_paths import module_paths
from .names import Names
from .options import EXPRESSION, MODULE, Option

if TYPE_CHECKING:
    from .session import Session

_TYPED = re.compile(r"\s*(?:[\w\s.,\[\]]+=\s*)?%(?P<magic>\w+)\s(?P<rest>.*)", re.DOTALL)
_WORDS: dict[str, Callable[[], Sequence[str]]] = {"explain": reference.names, "dldebug": lambda: ["status", "--panel"]}


class Completion:
    """The suggestions for magics with options; `sources` gives the options of each by name, when asked."""

    def __init__(self, session: Session, sources: Mapping[str, Callable[[], Mapping[str, Option]]]):
        self.session, self.shell, self.sources = session, session.shell, sources
        self.matcher: Any = None
        self.pattern = rf"\s*(?:[\w\s.,\[\]]+=\s*)?%(?:{'|'.join((*sources, *_WORDS))})\s"

    def start(self) -> None:
        """Be asked by the shell's completer."""
        try:
            from IPython.core.completer import context_matcher
        except ImportError:
            self.shell.set_hook("complete_command", lambda _, event: self.hooked(event), re_key=self.pattern)
        else:
            self.matcher = context_matcher(identifier="dldebug")(lambda context: self.matched(context))
            self.shell.Completer.custom_matchers.append(self.matcher)

    def stop(self) -> None:
        """Be asked no more."""
        if self.matcher is None:
            self.shell.strdispatchers["complete_command"].regexs.pop(re.compile(self.pattern), None)
        else:
            matchers = self.shell.Completer.custom_matchers
            matchers[:] = [matcher for matcher in matchers if matcher is not self.matcher]

    def matched(self, context: Any) -> dict[str, Any]:
        """The answer to new IPython: where we have suggestions, ours are the only ones."""
        from IPython.core.completer import SimpleCompletion

        words = self.words(context.text_until_cursor, context.token)
        kind = "param" if context.token.startswith("-") else "variable"
        completions = [SimpleCompletion(word, type=kind) for word in words]
        return {"completions": completions, "suppress": bool(words), "matched_fragment": context.token, "ordered": False}

    def hooked(self, event: Any) -> list[str]:
        """The answer to old IPython."""
        return self.words(event.text_until_cursor, event.symbol)

    def words(self, typed: str, token: str) -> list[str]:
        """What may replace the token that ends the typed line; nothing for lines that aren't ours."""
        line = _TYPED.fullmatch(typed)
        if line is None or line["magic"] not in (*self.sources, *_WORDS):
            return []
        if line["magic"] in _WORDS:
            return _starting(token, _WORDS[line["magic"]]())
        if token.startswith("-"):
            return _starting(token, [option.dashed for option in self.sources[line["magic"]]().values()])
        before = line["rest"].removesuffix(token).replace("=", " ").split()
        asked_for = before[-1] if before and before[-1].startswith("--") else ""
        option = next((option for option in self.sources[line["magic"]]().values() if option.dashed == asked_for), None)
        return _starting(token, self._values(option, before, token))

    def _values(self, option: Option | None, before: Sequence[str], token: str) -> list[str]:
        """What a word may be: an object of the user's, or a path in the model where the option wants one. Attributes are IPython's."""
        if "torch" not in sys.modules:
            return []
        visible = Names(self.shell.user_ns).visible()
        if option is not None and option.kind == MODULE:
            return module_paths(before, self.session.kept.get("model", ""), visible, token)
        return [] if "." in token else self._names(option, visible)

    def _names(self, option: Option | None, visible: dict[str, Any]) -> list[str]:
        """The user's models, losses, optimizers and loaders; after an option, those that it can take."""
        found = candidates.by_part(visible)
        if option is None or option.is_flag:
            return [name for names in found.values() for name in names]
        return list(found.get(option.name, {})) if option.kind == EXPRESSION else []


def _starting(token: str, words: Any) -> list[str]:
    return sorted({word for word in words if word.startswith(token)})
