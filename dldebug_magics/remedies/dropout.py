"""The lines that change a model's dropout, in the form in which it is written there."""

from __future__ import annotations

from torch import nn

from ..engine.subject import Subject


def dropout_lines(subject: Subject, line: str, elsewhere: str) -> str:
    """`line` for each dropout layer; where there is none, `elsewhere` is said of the calls and of the layers that drop by themselves.

    >>> print(dropout_lines(Subject(nn.Sequential(nn.Dropout())), "module.p = 0.0", "p = 0"))
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    """
    model = subject.name("model")
    if any(isinstance(module, nn.modules.dropout._DropoutNd) for module in subject.model.modules()):
        return f"for module in {model}.modules():\n    if isinstance(module, nn.modules.dropout._DropoutNd):\n        {line}"
    return f"# {model}: {elsewhere} in its calls of dropout, and as `dropout=` of its recurrent or attention layers"
