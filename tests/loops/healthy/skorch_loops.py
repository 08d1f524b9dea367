"""skorch: an estimator of scikit-learn's kind; its classifier takes the logarithm of probabilities itself."""

from __future__ import annotations

import tempfile

import torch
from torch import nn

from dldebug_magics.checks.small_data import groups, heights

from .program import Program, net


def _ready(kind: str, module: nn.Module, **settings):
    """An estimator that is set up, so that its module is there before it is fitted."""
    import skorch

    torch.manual_seed(0)
    return getattr(skorch, kind)(module, verbose=0, batch_size=16, **settings).initialize()


def skorch_classifier() -> Program:
    """The module gives probabilities, as skorch wants them for its `NLLLoss`; a tenth is held back for early stopping."""
    from skorch.callbacks import EarlyStopping, EpochScoring, GradientNormClipping, LRScheduler

    callbacks = [EpochScoring("accuracy", name="train_acc", on_train=True), EarlyStopping(patience=5)]
    callbacks += [GradientNormClipping(1.0), LRScheduler("CosineAnnealingLR", T_max=4)]
    module = nn.Sequential(net(dropout=0.1), nn.Softmax(dim=1))
    found = _ready("NeuralNetClassifier", module, optimizer=torch.optim.Adam, lr=1e-2, max_epochs=4, callbacks=callbacks)
    x, y = (each.numpy() for each in groups(160))
    return Program(lambda: found.partial_fit(x, y), (found.module_,))


def skorch_on_logits() -> Program:
    """Cross entropy on logits, in mixed shuffled batches, and scikit-learn's scores afterwards."""
    found = _ready("NeuralNetClassifier", net(norm=True), criterion=nn.CrossEntropyLoss, iterator_train__shuffle=True, lr=0.1, max_epochs=4)
    x, y = (each.numpy() for each in groups(160))

    def run():
        found.partial_fit(x, y)
        found.score(x, y)

    return Program(run, (found.module_,))


def skorch_regressor() -> Program:
    """A rate for each batch, and the best weights in checkpoints."""
    from skorch.callbacks import Checkpoint, LRScheduler

    one_cycle = LRScheduler(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.05, total_steps=40, step_every="batch")
    module = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    folder = tempfile.TemporaryDirectory()
    callbacks = [one_cycle, Checkpoint(dirname=folder.name)]
    found = _ready("NeuralNetRegressor", module, lr=0.01, max_epochs=5, callbacks=callbacks)
    x, y = (each.numpy() for each in heights(160))

    def run():
        with folder:
            found.partial_fit(x, y)

    return Program(run, (found.module_,))


def skorch_in_a_grid_search() -> Program:
    """scikit-learn fits a new module with a new optimizer for each setting and each fold."""
    import skorch
    from sklearn.model_selection import GridSearchCV

    from ..quiet import Small

    model = skorch.NeuralNetClassifier(Small, max_epochs=3, batch_size=16, verbose=0, train_split=None)
    search = GridSearchCV(model, {"lr": [0.1, 0.5], "module__width": [8, 16]}, cv=2)
    x, y = (each.numpy() for each in groups(96))
    return Program(lambda: search.fit(x, y), ())


def skorch_binary_classifier() -> Program:
    """One logit, floats as labels; the first layer is frozen by a callback."""
    from skorch.callbacks import Freezer

    module = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1))
    found = _ready("NeuralNetBinaryClassifier", module, optimizer=torch.optim.AdamW, lr=1e-2, max_epochs=4, callbacks=[Freezer("0.*")])
    x, y = (each.numpy() for each in groups(160))
    return Program(lambda: found.partial_fit(x, (y < 2).astype("float32")), (found.module_,))


def skorch_by_closures() -> Program:
    """L-BFGS, which asks skorch's step for the loss again and again."""
    found = _ready("NeuralNetClassifier", nn.Sequential(net(), nn.Softmax(1)), optimizer=torch.optim.LBFGS, lr=0.1, max_epochs=3)
    x, y = (each.numpy() for each in groups(96))
    return Program(lambda: found.partial_fit(x, y), (found.module_,))
