"""Lightning's Trainer: its own code stands between the user's lines, and clears, clips and steps from within closures."""

from __future__ import annotations

import tempfile

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from ..quiet import lightning_classifier, lightning_trainer
from .program import Program, loaders, net


def lightning_fit() -> Program:
    """Validation, a schedule by epochs, clipping, early stopping and checkpoints."""
    from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

    model = lightning_classifier(net(norm=True, dropout=0.1), schedule=lambda o: lr_scheduler.CosineAnnealingLR(o, 4))

    def run():
        with tempfile.TemporaryDirectory() as folder:
            callbacks = [EarlyStopping("val_loss", patience=3), ModelCheckpoint(folder, monitor="val_loss")]
            lightning_trainer(4, gradient_clip_val=1.0, enable_checkpointing=True, callbacks=callbacks).fit(model, *loaders())

    return Program(run, (model,))


def lightning_accumulates_in_bfloat16() -> Program:
    """Half precision, a rate of its own for each batch, and steps after every third batch or an epoch's last."""

    def one_cycle(optimizer):
        schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=2e-2, total_steps=16)
        return {"scheduler": schedule, "interval": "step"}

    model = lightning_classifier(net(norm=True), schedule=one_cycle)
    trainer = lightning_trainer(4, precision="bf16-mixed", accumulate_grad_batches=3)
    return Program(lambda: trainer.fit(model, *loaders()), (model,))


def lightning_averages_weights() -> Program:
    """Stochastic weight averaging changes the rate and, at the end, the weights; the loss is on a plateau's schedule before."""
    from pytorch_lightning.callbacks import StochasticWeightAveraging

    def on_plateau(optimizer):
        return {"scheduler": lr_scheduler.ReduceLROnPlateau(optimizer, patience=1), "monitor": "val_loss"}

    model = lightning_classifier(net(), schedule=on_plateau)
    trainer = lightning_trainer(5, callbacks=[StochasticWeightAveraging(swa_lrs=5e-3, swa_epoch_start=3)])
    return Program(lambda: trainer.fit(model, *loaders()), (model,))


def lightning_one_batch_by_heart() -> Program:
    """`overfit_batches`: the same batch in each epoch, without shuffling, and validation on that batch as well."""
    model = lightning_classifier(net(norm=True))
    trainer = lightning_trainer(30, overfit_batches=1)
    return Program(lambda: trainer.fit(model, *loaders()), (model,))


def lightning_looks_for_a_rate() -> Program:
    """The range test tries rates that are far too high, and puts the weights back; then it trains, with a part of each epoch."""
    from pytorch_lightning.tuner import Tuner

    model = lightning_classifier(net(dropout=0.2))
    model.hparams["lr"] = 1e-2
    type(model).configure_optimizers = lambda self: torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

    def run():
        with tempfile.TemporaryDirectory() as folder:
            trainer = lightning_trainer(4, limit_train_batches=0.5, limit_val_batches=1, default_root_dir=folder)
            Tuner(trainer).lr_find(model, *loaders(), num_training=30, attr_name="")
            trainer.fit(model, *loaders())

    return Program(run, (model,))


def lightning_try_run() -> Program:
    """`fast_dev_run`: one batch of each loader."""
    model = lightning_classifier(net(dropout=0.2))
    return Program(lambda: lightning_trainer(fast_dev_run=True).fit(model, *loaders()), (model,))


def lightning_fabric_loop() -> Program:
    """Fabric: the user's own loop, with wrapped model, optimizer and loaders."""
    from lightning_fabric import Fabric

    model = net(norm=True, dropout=0.1)

    def run():
        fabric = Fabric(accelerator="cpu", precision="bf16-mixed")
        wrapped, optimizer = fabric.setup(model, torch.optim.Adam(model.parameters(), lr=1e-2))
        train, val = fabric.setup_dataloaders(*loaders())
        for _ in range(4):
            wrapped.train()
            for number, (x, y) in enumerate(train, 1):
                with fabric.no_backward_sync(wrapped, enabled=number % 2 != 0):
                    fabric.backward(F.cross_entropy(wrapped(x), y) / 2)
                if number % 2 == 0:
                    fabric.clip_gradients(wrapped, optimizer, max_norm=1.0)
                    optimizer.step()
                    optimizer.zero_grad()
            wrapped.eval()
            with torch.no_grad():
                [F.cross_entropy(wrapped(x), y) for x, y in val]

    return Program(run, (model,))


def lightning_by_hand() -> Program:
    """Manual optimization: a generator and its judge, with two optimizers."""
    import pytorch_lightning

    class Pair(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.maker = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16))
            self.judge = nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

        def training_step(self, batch, number):
            making, judging = self.optimizers()
            made = self.maker(torch.randn(len(batch[0]), 4))
            judging.zero_grad()
            self.manual_backward(F.softplus(-self.judge(batch[0])).mean() + F.softplus(self.judge(made.detach())).mean())
            judging.step()
            making.zero_grad()
            self.manual_backward(F.softplus(-self.judge(made)).mean())
            self.clip_gradients(making, gradient_clip_val=5.0)
            making.step()

        def configure_optimizers(self):
            return torch.optim.Adam(self.maker.parameters(), lr=2e-3), torch.optim.Adam(self.judge.parameters(), lr=2e-3)

    torch.manual_seed(0)
    model = Pair()
    return Program(lambda: lightning_trainer(3).fit(model, loaders()[0]), (model,))


def lightning_by_closures() -> Program:
    """L-BFGS asks Lightning's closure for the loss several times a step; then the test set, with the best weights."""
    import pytorch_lightning

    class Fitted(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net, self.loss_fn = net(), nn.CrossEntropyLoss()

        def training_step(self, batch, number):
            return {"loss": self.loss_fn(self.net(batch[0]), batch[1])}

        def test_step(self, batch, number):
            self.log("accuracy", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=4)

    model, trainer = Fitted(), lightning_trainer(1)

    def run():
        train, val = loaders(80)
        trainer.fit(model, train)
        trainer.test(model, val, verbose=False)

    return Program(run, (model,))
