"""Faults in what the user gives to Hugging Face's Trainer."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.checks.small_data import groups, heights

from ..healthy.program import net
from ..quiet import hugging_face

_ROWS = [{"x": x, "labels": y} for x, y in zip(*groups(96), strict=True)]
_HELD = [{"x": x, "labels": y} for x, y in zip(*groups(32, seed=5), strict=True)]


class _Logits(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, labels=None):
        return {"logits": self.body(x)}


def _with_loss(loss_of):
    import transformers

    class Own(transformers.Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **_):
            outputs = model(inputs["x"])
            loss = loss_of(outputs["logits"], inputs["labels"])
            return (loss, outputs) if return_outputs else loss

    return Own


def softmax_before_cross_entropy__in_the_models_own_loss():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net()

        def forward(self, x, labels=None):
            probabilities = F.softmax(self.body(x), dim=-1)  # fault
            loss = F.cross_entropy(probabilities, labels)
            return {"loss": loss, "logits": probabilities}

    return hugging_face(Classifier(), _ROWS).train


def flipped_loss_sign__in_compute_loss():
    def wanted(logits, labels):
        return -F.cross_entropy(logits, labels)  # fault

    return hugging_face(_Logits(net()), _ROWS, kind=_with_loss(wanted), learning_rate=1e-3).train


def loss_broadcast__in_compute_loss():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    rows = [{"x": x, "labels": y[0]} for x, y in zip(*heights(96), strict=True)]

    def wanted(output, labels):
        return ((output - labels) ** 2).mean()  # fault

    return hugging_face(_Logits(model), rows, kind=_with_loss(wanted)).train


def detached_graph__in_compute_loss():
    def wanted(logits, labels):
        return torch.tensor(F.cross_entropy(logits, labels).item(), requires_grad=True)  # fault

    return hugging_face(_Logits(net()), _ROWS, kind=_with_loss(wanted)).train


def functional_dropout_always_on__in_hugging_face():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(16, 24), nn.Linear(24, 4)

        def forward(self, x, labels=None):
            hidden = F.dropout(F.relu(self.body(x)), p=0.2)  # fault
            logits = self.head(hidden)
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    torch.manual_seed(0)
    return hugging_face(Classifier(), _ROWS, eval_dataset=_HELD, eval_strategy="epoch").train


def optimizer_wrong_params__given_to_hugging_face():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.head = nn.Sequential(nn.Linear(16, 24), nn.ReLU()), nn.Linear(24, 10)

        def forward(self, x, labels=None):
            logits = self.head(self.trunk(x))
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    def train():
        model = Classifier()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)  # fault
        model.head = nn.Linear(24, 4)
        hugging_face(model, _ROWS, optimizers=(optimizer, None)).train()

    return train


def lr_zero_or_scheduled_away__never_set_in_hugging_face():
    trainer = hugging_face(_Logits(net()), _ROWS, kind=_with_loss(F.cross_entropy), learning_rate=0.0, epochs=5)
    return lambda: trainer.train()  # fault


def nan_inf_numeric__every_label_ignored():
    def collate(rows):
        x, labels = torch.stack([row["x"] for row in rows]), torch.stack([row["labels"] for row in rows])
        return {"x": x, "labels": torch.full_like(labels, -100)}

    def wanted(logits, labels):
        return F.cross_entropy(logits, labels)  # fault

    trainer = hugging_face(_Logits(net()), _ROWS, kind=_with_loss(wanted), data_collator=collate)
    return lambda: trainer.train()
