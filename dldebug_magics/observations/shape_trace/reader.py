"""A layer that reads so many numbers along an axis, and what it was given: where the axis is, whether the two agree, how it is rebuilt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ...cures.layers import rebuilt, resized
from ...engine.subject import Subject
from ...instruments.forms import Form
from ...instruments.source_edits import module_expression


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A layer, or a call with a parameter, that reads `size` numbers along an axis.

    family: "linear", "conv", "norm" (channels on axis 1), "layer_norm", "recurrent", "attention". spatial: how many axes stand behind
    the channels; 0 where the features are last. setting: the argument with the size. parameter: its name where no layer of torch holds it.
    """

    family: str
    kind: str
    path: str
    given: Form
    size: int
    setting: str
    spatial: int = 0
    parameter: str = ""
    parameter_shape: tuple[int, ...] = ()
    parameter_axis: int = 0
    outputs: int = 0

    @property
    def ranks(self) -> tuple[int, ...]:
        """How many axes it takes, with a batch first; nothing where any number will do."""
        if self.family == "conv":
            return self.spatial + 2, self.spatial + 1
        if self.family == "norm":
            return (self.spatial + 2, 2) if self.spatial == 1 else (self.spatial + 2,) if self.spatial else ()
        return (3, 2) if self.family == "recurrent" else ()

    @property
    def axis(self) -> int:
        """Where the features stand in what it was given."""
        return self.axis_in(self.given.shape)

    def axis_in(self, shape: tuple[int, ...]) -> int:
        """Where it would look for them in a tensor of this shape."""
        rank = len(shape)
        if self.family == "conv":
            return max(rank - self.spatial - 1, 0)
        return min(1, rank - 1) if self.family == "norm" else rank - 1

    @property
    def got(self) -> int:
        """How many numbers stand there."""
        return self.given.shape[self.axis]

    @property
    def fits_rank(self) -> bool:
        """Whether it takes that many axes."""
        return not self.ranks or len(self.given.shape) in self.ranks

    @property
    def unbatched(self) -> bool:
        """Whether it reads what it was given as one sample."""
        return self.family in ("conv", "recurrent") and len(self.given.shape) == self.ranks[1]

    @property
    def elsewhere(self) -> tuple[int, ...]:
        """The axes behind the batch, other than its own, that have as many numbers as it reads; of a convolution the last one only."""
        shape, first = self.given.shape, (len(self.given.shape) - 1 if self.spatial else 1)
        return tuple(axis for axis in range(first, len(shape)) if axis != self.axis and axis > 0 and shape[axis] == self.size)

    @property
    def is_unflattened(self) -> bool:
        """Whether all axes behind the batch make what a linear layer reads."""
        return self.family == "linear" and len(self.given.shape) > 2 and self.given.numel == self.size * self.given.shape[0]

    @property
    def reads_features(self) -> bool:
        """Whether nothing is wrong but the number of features: neither an axis is missing, nor one that was not flattened."""
        return self.fits_rank and not self.unbatched and not self.is_unflattened

    @property
    def words(self) -> str:
        """The layer in words: 'Linear `fc1`'."""
        return f"the parameter `{self.parameter}`" if self.parameter else f"{self.kind} `{self.path}`"

    @property
    def place(self) -> str:
        """The axis in words."""
        return "last axis" if self.axis == len(self.given.shape) - 1 else f"axis {self.axis}"

    def written(self, model: str, size: int) -> str:
        """The line that builds it for another size."""
        if self.parameter:
            return f"{module_expression(model, self.parameter)} = nn.Parameter(torch.empty({self._shape(size)}))"
        sizes = f"{size}, {self.outputs}" if self.outputs else f"{self.setting}={size}"
        more = "" if self.family == "linear" else ", ..."
        return f"{module_expression(model, self.path)} = nn.{self.kind}({sizes}{more})   # best where it is built"

    def resized(self, size: int) -> Callable[[Subject], Subject]:
        """The cure that builds it for another size."""
        return resized(self.parameter, self._shape(size)) if self.parameter else rebuilt(self.path, **{self.setting: size})

    def _shape(self, size: int) -> tuple[int, ...]:
        return tuple(size if axis == self.parameter_axis else length for axis, length in enumerate(self.parameter_shape))
