"""Faults in what the user gives to Lightning's Trainer."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..healthy.program import loaders, net
from ..quiet import lightning_classifier, lightning_trainer


def softmax_before_cross_entropy__in_training_step():
    import pytorch_lightning

    class Classifier(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net(dropout=0.1)

        def training_step(self, batch, number):
            x, y = batch
            probabilities = self.net(x).softmax(1)  # fault
            return F.cross_entropy(probabilities, y)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    model = Classifier()
    return lambda: lightning_trainer(3).fit(model, loaders()[0])


def detached_graph__in_training_step():
    model = lightning_classifier(net())

    class Logged(type(model)):
        def training_step(self, batch, number):
            loss = super().training_step(batch, number)
            loss = loss.detach().requires_grad_()  # fault
            self.log("logged", loss)
            return loss

    model = Logged()
    return lambda: lightning_trainer(3).fit(model, *loaders())


def detached_graph__raises_in_lightning():
    import pytorch_lightning

    class Classifier(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net()

        def training_step(self, batch, number):
            x, y = batch
            guess = self.net(x).argmax(1)
            return F.l1_loss(guess.float(), y.float())  # fault

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    model = Classifier()
    return lambda: lightning_trainer(3).fit(model, loaders()[0])


def missing_zero_grad__by_hand_in_lightning():
    model = lightning_classifier(net())

    class ByHand(type(model)):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch, number):
            optimizer = self.optimizers()
            self.manual_backward(F.cross_entropy(self.net(batch[0]), batch[1]))  # fault
            optimizer.step()

    model = ByHand()
    return lambda: lightning_trainer(3).fit(model, loaders()[0])


def optimizer_wrong_params__configure_optimizers():
    import pytorch_lightning

    class Autoencoder(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.Sequential(nn.Linear(16, 8), nn.ReLU()), nn.Linear(8, 16)

        def training_step(self, batch, number):
            return F.mse_loss(self.decoder(self.encoder(batch[0])), batch[0])

        def configure_optimizers(self):
            return torch.optim.Adam(self.encoder.parameters(), lr=1e-2)  # fault

    torch.manual_seed(0)
    model = Autoencoder()
    return lambda: lightning_trainer(3).fit(model, loaders()[0])


def lr_zero_or_scheduled_away__configure_optimizers():
    model = lightning_classifier(net())

    class Zero(type(model)):
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)  # fault

    model = Zero()
    return lambda: lightning_trainer(3).fit(model, *loaders())


def scheduler_per_batch_vs_epoch__interval_in_lightning():
    model = lightning_classifier(net())

    class EachStep(type(model)):
        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), lr=1e-2)
            schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)  # fault
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    model = EachStep()
    return lambda: lightning_trainer(5).fit(model, *loaders())


def eval_mode_during_training__in_a_hook():
    model = lightning_classifier(net(norm=True, dropout=0.3))

    class Scored(type(model)):
        def on_train_epoch_start(self):
            if self.current_epoch:
                self.net.eval()  # fault
                self.net(torch.zeros(4, 16))

    model = Scored()
    return lambda: lightning_trainer(4).fit(model, loaders()[0])


def functional_dropout_always_on__in_lightning():
    import pytorch_lightning

    class Classifier(pytorch_lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(16, 24), nn.Linear(24, 4)

        def forward(self, x):
            return self.head(F.dropout(F.relu(self.body(x)), 0.3))  # fault

        def training_step(self, batch, number):
            return F.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch, number):
            self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    torch.manual_seed(0)
    model = Classifier()
    return lambda: lightning_trainer(4).fit(model, *loaders())
