"""Changes of the training that do no harm: other rates, batches, schedules, spellings of the loss. Every alarm is false."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..fault import harmless
from ..program import Program, optimizer
from ..surgery import CLASSES, behind, class_axis, head, is_a, rows

SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW


@harmless("half", "double")
def another_rate(program: Program, spelling: str) -> Program | None:
    program.refit(lr=program.optimizer.param_groups[0]["lr"] * {"half": 0.5, "double": 2.0}[spelling])
    return program


@harmless("half", "double")
def another_batch_size(program: Program, spelling: str) -> Program | None:
    program.batch_size = program.batch_size // 2 if spelling == "half" else program.batch_size * 2
    program.loaders()
    return program


@harmless("decoupled", "nadam", "nesterov")
def another_optimizer(program: Program, spelling: str) -> Program | None:
    rate = program.optimizer.param_groups[0]["lr"]
    if is_a(program, SGD):
        program.make_optimizer = optimizer(SGD, lr=rate, momentum=0.9, nesterov=True)
    elif spelling == "nadam":
        program.make_optimizer = optimizer(torch.optim.NAdam, lr=rate)
    else:
        program.make_optimizer = optimizer(AdamW, lr=rate, betas=(0.9, 0.98))
    program.refit()
    return program


@harmless("cosine", "steps", "warm_up")
def scheduled(program: Program, spelling: str) -> Program | None:
    schedules, opt = torch.optim.lr_scheduler, program.optimizer
    made = {
        "cosine": lambda: schedules.CosineAnnealingLR(opt, program.epochs),
        "steps": lambda: schedules.MultiStepLR(opt, [max(1, program.epochs - 2)], gamma=0.3),
        "warm_up": lambda: schedules.LinearLR(opt, start_factor=0.3, total_iters=2),
    }
    program.scheduler = made[spelling]()
    return program


@harmless("no_decay_on_biases", "slower_head")
def parameter_groups(program: Program, spelling: str) -> Program | None:
    rate, last = program.optimizer.param_groups[0]["lr"], list(head(program.model).parameters())
    apart = last if spelling == "slower_head" else [p for p in program.model.parameters() if p.ndim < 2]
    rest = [p for p in program.model.parameters() if all(p is not other for other in apart)]
    settings = {"lr": rate / 2} if spelling == "slower_head" else {"weight_decay": 0.0}
    program.optimizer = program.make_optimizer([{"params": rest}, {"params": apart, **settings}])
    return program


@harmless("all")
def double_precision(program: Program, spelling: str) -> Program | None:
    program.model.double()
    wide = lambda column: column.double() if column.is_floating_point() else column  # noqa: E731
    program.change(*[lambda pair: (wide(pair[0]), wide(pair[1]))] * 2)
    program.refit()
    return program


@harmless("step_hook")
def clipped_far_out(program: Program, spelling: str) -> Program | None:
    program.optimizer.register_step_pre_hook(
        lambda stepping, *_: nn.utils.clip_grad_norm_([p for group in stepping.param_groups for p in group["params"]], 5.0) and None
    )
    return program


@harmless("guarded_log", "one_hot", "smoothed")
def spelt_out(program: Program, spelling: str) -> Program | None:
    """Cross entropy in other words."""
    if program.task not in CLASSES:
        return None
    axis, one_hot = class_axis(program), lambda target, like: functional.one_hot(target, like.shape[1]).movedim(-1, 1).float()
    if spelling == "guarded_log":
        program.loss_fn = rows(program, functional.nll_loss)
        return behind(program, "forward", nn.Identity(), lambda x: torch.log(x.softmax(dim=axis) + 1e-9))
    if spelling == "smoothed":
        program.loss_fn = rows(program, nn.CrossEntropyLoss(label_smoothing=0.05))
    else:
        program.loss_fn = rows(program, lambda output, target: functional.cross_entropy(output, one_hot(target, output)))
    return program


@harmless("loss")
def small_penalty(program: Program, spelling: str) -> Program | None:
    """Weight decay written into the loss."""
    own = program.loss_fn
    program.loss_fn = lambda output, target: own(output, target) + 1e-6 * sum(p.square().sum() for p in program.model.parameters())
    return program
