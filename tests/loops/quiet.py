"""The trainers of libraries, set to print nothing and to leave nothing behind; each library is imported when a loop asks for it."""

from __future__ import annotations

import logging
import tempfile
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


def lightning_trainer(epochs: int = 3, **settings: Any) -> Any:
    """Lightning's `Trainer`, without logger, progress bar, summary and checkpoints of its own."""
    import pytorch_lightning

    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pytorch_lightning.*")
    silent = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    return pytorch_lightning.Trainer(accelerator="cpu", max_epochs=epochs, **{"enable_checkpointing": False, **silent, **settings})


def lightning_classifier(net: nn.Module, rate: float = 1e-2, schedule: Any = None) -> Any:
    """A `LightningModule` as tutorials write it: training, validation, one optimizer. schedule: makes a scheduler of the optimizer."""
    import pytorch_lightning

    class Classifier(pytorch_lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, number):
            x, y = batch
            loss = F.cross_entropy(self(x), y)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch, number):
            x, y = batch
            self.log("val_loss", F.cross_entropy(self(x), y))

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=rate)
            return optimizer if schedule is None else {"optimizer": optimizer, "lr_scheduler": schedule(optimizer)}

    return Classifier()  # its class has no arguments, and can be extended


def hugging_face(model: nn.Module, train: Any, kind: Any = None, epochs: float = 3, **settings: Any) -> Any:
    """Hugging Face's `Trainer` (or a `kind` of it); what it writes goes to a folder that is gone with it."""
    import transformers

    transformers.logging.set_verbosity_error()
    given = {name: settings.pop(name) for name in ("eval_dataset", "data_collator", "optimizers", "callbacks") if name in settings}
    folder = tempfile.TemporaryDirectory()
    silent = {"disable_tqdm": True, "report_to": "none", "save_strategy": "no", "logging_strategy": "no", "use_cpu": True}
    arguments = transformers.TrainingArguments(
        folder.name, num_train_epochs=epochs, **{**silent, "per_device_train_batch_size": 16, "learning_rate": 1e-2, **settings}
    )
    trainer = (kind or transformers.Trainer)(model=model, args=arguments, train_dataset=train, **given)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.folder = folder
    return trainer


def accelerator(**settings: Any) -> Any:
    """accelerate's `Accelerator`, begun anew: a process keeps one, with its precision."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=True, **settings)


class Small(nn.Module):
    """A classifier of so many hidden units, which scikit-learn can make anew from its class."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.hidden, self.out = nn.Linear(16, width), nn.Linear(width, 4)

    def forward(self, x):
        return self.out(self.hidden(x).relu()).softmax(1)
