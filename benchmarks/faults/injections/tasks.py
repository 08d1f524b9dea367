"""A loss for another task than the model's: other targets, another number of outputs, classes on another axis."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..fault import fault
from ..program import Program
from ..surgery import Called, new_head


@fault("viewed", "as_it_is", "moved_in_model", "view_in_model")
def class_dim_wrong(program: Program, spelling: str) -> Program | None:
    """Letters give [N, T, C], pixels [N, C, H, W]; the loss wants the classes on axis 1, or one long batch of rows."""
    if program.task not in ("letters", "pixels"):
        return None
    letters = program.task == "letters"
    if spelling == "as_it_is":
        program.loss_fn = lambda output, target: functional.cross_entropy(output if letters else output.movedim(1, -1), target)
    elif spelling == "viewed":
        program.loss_fn = _viewed_as_batch if letters else _viewed_as_rows
    elif spelling == "moved_in_model":
        program.model = nn.Sequential(program.model, Called(lambda x: x.transpose(1, 2) if letters else x.permute(0, 2, 3, 1)))
        program.read = (lambda x: x[..., -1]) if letters else (lambda x: x.movedim(-1, 1))
    else:
        back = (lambda x: x.reshape(len(x), x.shape[2], -1).transpose(1, 2)) if letters else _classes_last_by_view
        program.model = nn.Sequential(program.model, Called(back))
    return program


def _viewed_as_batch(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.view(len(output), -1, output.shape[1]), target)


def _viewed_as_rows(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.reshape(-1, output.shape[1]), target.reshape(-1))


def _classes_last_by_view(x: Tensor) -> Tensor:
    return x.reshape(len(x), *x.shape[2:], x.shape[1]).movedim(-1, 1)


@fault("module", "function", "smoothed", "by_hand")
def single_logit_ce(program: Program, spelling: str) -> Program | None:
    if program.task != "flags":
        return None
    program.change(*[lambda pair: (pair[0], pair[1][:, :1])] * 2)
    if program.name != "tumours":
        new_head(program, 1)
    by_hand = lambda output, target: -(target * functional.log_softmax(output, dim=1)).sum(1).mean()  # noqa: E731
    losses = {"module": nn.CrossEntropyLoss(), "function": functional.cross_entropy, "by_hand": by_hand}
    program.loss_fn = losses.get(spelling, nn.CrossEntropyLoss(label_smoothing=0.1))
    return program


@fault("module", "function", "by_hand")
def multi_hot_to_ce(program: Program, spelling: str) -> Program | None:
    if program.name not in ("facts", "seen_facts"):
        return None
    by_hand = lambda output, target: -(target * output.log_softmax(1)).sum(1).mean()  # noqa: E731
    program.loss_fn = {"module": nn.CrossEntropyLoss(), "function": functional.cross_entropy, "by_hand": by_hand}[spelling]
    return program


@fault("module", "function")
def bce_on_logits(program: Program, spelling: str) -> Program | None:
    if program.task != "flags":
        return None
    program.loss_fn = nn.BCELoss() if spelling == "module" else functional.binary_cross_entropy
    return program


@fault("squared_ids", "bce_of_values", "ce_of_values", "l1_of_ids")
def loss_model_task_mismatch(program: Program, spelling: str) -> Program | None:
    if program.task == "classes" and spelling in ("squared_ids", "l1_of_ids"):
        classes = int(program.data[0][1].max()) + 1
        new_head(program, 1)
        error = functional.mse_loss if spelling == "squared_ids" else functional.l1_loss
        program.loss_fn = lambda output, target: error(output.squeeze(1), target.float())
        program.read = lambda output: functional.one_hot(output[:, 0].nan_to_num().round().clamp(0, classes - 1).long(), classes)
        return program
    if program.task == "values" and spelling in ("bce_of_values", "ce_of_values"):
        program.loss_fn = nn.BCEWithLogitsLoss() if spelling == "bce_of_values" else nn.CrossEntropyLoss()
        return program
    return None
