"""Samples that a layer took for channels or steps, and steps for channels, and nothing was raised: the facts, and the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ...cures.batch_shapes import inputs_changed
from ...cures.layers import in_turn, moved_for, rebuilt
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ..cards.neighbours import NeighboursCard
from ..cards.read_as_one import ReadAsOneCard
from .history import from_convolution

if TYPE_CHECKING:
    from . import ShapeTrace


def as_channels(model: str, card: ReadAsOneCard) -> Evidence:
    """As many samples as the convolution has channels. It happened before our eyes: one sample fewer, and it refuses."""
    seen = Fact(_what(card), f"{_shape(card)}: {card.shape[0]} samples, read as channels", "samples x 1 x ...")
    code = f"x = x.unsqueeze(1); {module_expression(model, card.path)} = nn.{card.kind}(1, ...)"
    fix = Fix("Give the channel an axis, and build the layer for one.", code, "a channel axis, and in_channels=1")
    cure = in_turn(inputs_changed(lambda tensor: tensor.unsqueeze(1), card.shape), rebuilt(card.path, in_channels=1))
    fewer = Fact("the same with a sample fewer", card.said, "it runs")
    return Evidence(Confidence.PROVEN, (seen, fewer), f"`{card.path}`", fix, cure, always=True)


def as_steps(card: ReadAsOneCard) -> Evidence:
    """A recurrent layer that goes from sample to sample."""
    seen = Fact(_what(card), f"{_shape(card)}: {card.shape[0]} samples, read as the steps of one sequence", "samples x steps x features")
    fix = Fix("Each row is a sample: give it a time axis of one step.", "x = x.unsqueeze(1)", "a time axis of one step")
    return Evidence(Confidence.PROVEN, (seen,), f"`{card.path}`", fix, _one_step(card.path), always=True)


def as_rows(card: NeighboursCard) -> Evidence:
    """As many steps as channels: the layer runs either way, and the values tell which axis has neighbours that are alike."""
    seen = f"{card.channels:.2f} along axis 1, {card.last:.2f} along the last"
    fact = Fact(
        f"how far neighbours differ in what {card.kind} `{card.path}` is given, compared with any two", seen, "about 1 along axis 1"
    )
    fix = Fix("Move the channels to axis 1.", "x = x.movedim(-1, 1)", "the channels moved to axis 1")
    cure = inputs_changed(lambda tensor: tensor.movedim(-1, 1), card.shape)
    return Evidence(Confidence.LIKELY, (fact,), f"`{card.path}`", fix, cure, always=True, severity=Severity.WARNING)


def over_steps(trace: ShapeTrace) -> Evidence | None:
    """A linear layer right behind a convolution, whose maps have as many steps as channels: advice, for it may be meant."""
    for row in trace.rows if trace.passed else ():
        shape = row.inputs[0].shape if row.is_module and row.kind == "Linear" and row.inputs else ()
        if len(shape) > 2 and row.settings["in_features"] == shape[1] == shape[-1] and from_convolution(trace, row):
            fact = Fact(
                f"what Linear `{row.path}` reads", f"axis {len(shape) - 1} of {row.inputs[0]}", "axis 1, if it is meant for the channels"
            )
            code = f"{module_expression(trace.name, row.path)}(x.movedim(1, -1)).movedim(-1, 1)"
            fix = Fix("Move the channels to the end, and back.", code, "the channels moved to the end")
            cure = moved_for(row.path, 1, -1)
            return Evidence(Confidence.LIKELY, (fact,), where(row.path, row.line), fix, cure, always=True, severity=Severity.NOTE)
    return None


def _one_step(path: str) -> Any:
    """The cure that reads every sample as a sequence of one step, and gives what the layer gave before: a row for each."""

    def cure(subject: Subject) -> Subject:
        layer: Any = subject.model.get_submodule(path)
        axis = int(layer.batch_first)

        def given(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            return (args[0].unsqueeze(axis), *args[1:])

        def gave(module: nn.Module, args: tuple[Any, ...], output: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
            return output[0].squeeze(axis), output[1]

        layer.register_forward_pre_hook(given)
        layer.register_forward_hook(gave)
        return subject

    return cure


def _what(card: ReadAsOneCard) -> str:
    return f"what the loader stacks and {card.kind} `{card.path}` reads"


def _shape(card: ReadAsOneCard) -> str:
    return " x ".join(map(str, card.shape))
