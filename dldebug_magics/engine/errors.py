"""What goes wrong, and whose it is.

Three kinds, told apart by type: a `UserMistake` is one line to the user (the notebook turns it into a UsageError); an exception of the
user's own model is an observation, or passes through unchanged; everything else is a defect of ours and keeps its traceback.
"""

from __future__ import annotations


class UserMistake(ValueError):
    """One line for the user: what was given, what was expected, what to do.

    >>> str(UserMistake("`net` is a str", expected="a torch.nn.Module", do="pass the model itself"))
    '`net` is a str; expected a torch.nn.Module; pass the model itself'
    """

    def __init__(self, seen: str, *, expected: str = "", do: str = ""):
        parts = [seen, f"expected {expected}" if expected else "", do]
        super().__init__("; ".join(" ".join(part.split()) for part in parts if part))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the line. The frames are ours and tell nothing."""
        return [f"{type(self).__name__}: {self}"]
