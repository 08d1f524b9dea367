"""The signal through the layers: cut, frozen in a list, bent wrongly, faded, grown, silent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fault import fault
from ..program import Program
from ..surgery import Called, Change, Wrapped, before_head, features, head, layer, plain_layers, swap


@fault("detach", "data", "no_grad", "numpy")
def detached_graph(program: Program, spelling: str) -> Program | None:
    if spelling == "no_grad":
        return before_head(program, _NoGrad(layer(program)))
    cuts = {"detach": lambda x: x.detach(), "data": lambda x: x.data, "numpy": lambda x: torch.tensor(x.tolist())}
    return before_head(program, Called(cuts[spelling]))


class _NoGrad(nn.Module):
    """A layer that is run without gradients."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.relu(self.inner(x))


@fault("list", "dict", "head")
def params_in_plain_list(program: Program, spelling: str) -> Program | None:
    if spelling == "head":
        path, last = plain_layers(program.model)[-1]
        swap(program.model, path, _Listed([last], _nothing))
        program.refit()
        return program
    middle = [layer(program) for _ in range(2)]
    return before_head(program, _Listed(middle) if spelling == "list" else _Named({"one": middle[0], "two": middle[1]}))


class _Listed(nn.Module):
    def __init__(self, layers: list[nn.Module], bend: Change = torch.relu):
        super().__init__()
        self.layers, self.bend = layers, bend

    def forward(self, x: Tensor) -> Tensor:
        for one in self.layers:
            x = self.bend(one(x))
        return x


class _Named(nn.Module):
    def __init__(self, layers: dict[str, nn.Module]):
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layers["two"](torch.tanh(self.layers["one"](x))))


class _Ramp(torch.autograd.Function):
    """ReLU with a backward of its own: where the input was negative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x < 0)


class _Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return -gradient * (1 - x.tanh() ** 2)


class _Square(torch.autograd.Function):
    """Forgets the factor x, and so its sign."""

    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


@fault("where_negative", "minus", "factor_forgotten")
def wrong_custom_backward(program: Program, spelling: str) -> Program | None:
    function = {"where_negative": _Ramp, "minus": _Turned, "factor_forgotten": _Square}[spelling]
    return before_head(program, layer(program), Called(function.apply))


@fault("sigmoids", "many_sigmoids", "small_tanh")
def vanishing_gradient(program: Program, spelling: str) -> Program | None:
    count, bend = {"sigmoids": (6, nn.Sigmoid), "many_sigmoids": (10, nn.Sigmoid), "small_tanh": (8, nn.Tanh)}[spelling]
    deep: list[nn.Module] = []
    for _ in range(count):
        one = layer(program)
        if spelling == "small_tanh":
            nn.init.normal_(one.weight, std=0.02)
        deep += [one, bend()]
    return before_head(program, *deep)


@fault("deep_relu", "deep_linear", "repeated")
def exploding_gradient(program: Program, spelling: str) -> Program | None:
    width = features(program)
    deep: list[nn.Module] = []
    for _ in range(8):
        one = layer(program)
        nn.init.normal_(one.weight, std=4 / width**0.5)
        deep += [one, nn.ReLU()] if spelling == "deep_relu" else [one]
    return before_head(program, *(deep if spelling != "repeated" else [_Repeated(deep[0])]))


class _Repeated(nn.Module):
    """One layer again and again, as in a recurrence written by hand."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(10):
            x = x + torch.relu(self.inner(x))
        return x


@fault("tanh", "sigmoid", "scaled_weights")
def saturated_activation(program: Program, spelling: str) -> Program | None:
    one = layer(program)
    if spelling == "scaled_weights":
        nn.init.normal_(one.weight, std=30.0)
        return before_head(program, one, nn.Tanh())
    factor = 300.0
    return before_head(program, one, Called(lambda x: torch.tanh(factor * x) if spelling == "tanh" else torch.sigmoid(factor * x)))


@fault("bias", "weights_below_zero", "functional")
def dead_relu(program: Program, spelling: str) -> Program | None:
    one = layer(program)
    nn.init.constant_(one.bias, -30.0)
    if spelling == "weights_below_zero":
        nn.init.constant_(one.bias, -0.1)
        one.weight.data.abs_().neg_()
        return before_head(program, nn.ReLU(), one, nn.ReLU())
    return before_head(program, one, nn.ReLU() if spelling == "bias" else Called(torch.relu))


@fault("identity")
def missing_nonlinearity(program: Program, spelling: str) -> Program | None:
    return program.rebuild(activation=_nothing) if "activation" in program.knobs else None


def _nothing(x: Tensor) -> Tensor:
    return x


@fault("one_unit", "two_units")
def capacity_too_small(program: Program, spelling: str) -> Program | None:
    return program.rebuild(width=1e-3 if spelling == "one_unit" else 0.06)


@fault("zeros", "ones", "small_constant")
def symmetric_init(program: Program, spelling: str) -> Program | None:
    for parameter in program.model.parameters():
        nn.init.constant_(parameter, {"zeros": 0.0, "ones": 1.0, "small_constant": 0.01}[spelling])
    return program


@fault("30", "100", "0.003")
def init_scale_bad(program: Program, spelling: str) -> Program | None:
    for _, one in plain_layers(program.model):
        one.weight.data.mul_(float(spelling))
    return program


@fault("relu", "tanh")
def module_made_in_forward(program: Program, spelling: str) -> Program | None:
    width, convolves = features(program), isinstance(head(program.model), nn.Conv2d)
    make = (lambda: nn.Conv2d(width, width, 1)) if convolves else (lambda: nn.Linear(width, width))
    bend = torch.relu if spelling == "relu" else torch.tanh
    return before_head(program, Called(lambda x: bend(make()(x))))


@fault("new_norm", "own_norm")
def eval_mode_during_training(program: Program, spelling: str) -> Program | None:
    if isinstance(head(program.model), nn.Conv2d) or program.task == "letters":
        return None
    if spelling == "own_norm" and any(isinstance(module, nn.BatchNorm2d) for module in program.model.modules()):
        program.model.eval()
        return program
    width = features(program)
    one = layer(program)
    nn.init.normal_(one.weight, std=1e-3)
    before_head(program, one, nn.BatchNorm1d(width), nn.Tanh())
    program.model.eval()
    return program


@fault("half_model", "half_features", "half_loss")
def fp16_overflow_or_underflow(program: Program, spelling: str) -> Program | None:
    if spelling == "half_features":
        return before_head(program, Called(lambda x: (3e5 * x).half().float() / 3e5))
    if spelling == "half_loss":
        own = program.loss_fn
        program.loss_fn = lambda output, target: (own(output, target) * 1e-7).half().float() * 1e7
        return program
    if program.task not in ("classes", "flags") or not program.data[0][0].is_floating_point():
        return None
    program.model = Wrapped(program.model.half(), before=lambda x: x.half())
    program.change(*[lambda pair: (pair[0], pair[1].half() if pair[1].is_floating_point() else pair[1])] * 2)
    program.refit()
    return program


@fault("zeros", "ones", "noise")
def input_ignored(program: Program, spelling: str) -> Program | None:
    if spelling == "ones":
        return before_head(program, Called(torch.ones_like))
    if not program.data[0][0].is_floating_point():
        return before_head(program, Called(torch.zeros_like))
    program.model = Wrapped(program.model, before=torch.zeros_like if spelling == "zeros" else torch.randn_like)
    return program
