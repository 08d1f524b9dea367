"""Hugging Face's Trainer: the loss is made inside the model, and schedules, accelerators and samplers are the Trainer's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.checks.small_data import groups, sentences

from ..quiet import hugging_face
from .program import Program, net


def _rows(samples: int = 96, seed: int = 3) -> list[dict[str, Any]]:
    return [{"x": x, "labels": y} for x, y in zip(*groups(samples, seed=seed), strict=True)]


class _Classifier(nn.Module):
    """A model of the user's own, as the Trainer wants it: labels come in, and the loss goes out first."""

    def __init__(self):
        super().__init__()
        self.net = net(dropout=0.1)

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {"logits": logits} if labels is None else {"loss": F.cross_entropy(logits, labels), "logits": logits}


def hugging_face_train() -> Program:
    """Linear decay after a warm-up, clipping, evaluation after each epoch."""
    model = _Classifier()
    trainer = hugging_face(model, _rows(), eval_dataset=_rows(32, seed=5), eval_strategy="epoch", warmup_steps=3)
    return Program(trainer.train, (model,))


def hugging_face_accumulates_in_bfloat16() -> Program:
    """Half precision, cosine decay, a step for every two batches."""
    model = _Classifier()
    settings = {"gradient_accumulation_steps": 2, "bf16": True, "lr_scheduler_type": "cosine", "optim": "sgd", "learning_rate": 0.2}
    return Program(hugging_face(model, _rows(), **settings).train, (model,))


def hugging_face_language_model() -> Program:
    """A transformer of the library, from a config; its best weights are kept, and training stops early."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 16, "n_positions": 8, "n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    rows = [{"input_ids": row, "labels": row} for row in sentences()[0].repeat(4, 1)]
    kept = {"save_strategy": "epoch", "eval_strategy": "epoch", "load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
    stopping = [transformers.EarlyStoppingCallback(early_stopping_patience=2)]
    return Program(hugging_face(model, rows, eval_dataset=rows[:16], callbacks=stopping, **kept).train, (model,))


def hugging_face_frozen_body() -> Program:
    """Only the head of a BERT is trained, on a loss of the user's own."""
    import transformers

    class Weighted(transformers.Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **_):
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            loss = F.cross_entropy(outputs.logits, labels, weight=torch.tensor([1.0, 2.0]))
            return (loss, outputs) if return_outputs else loss

    torch.manual_seed(0)
    sizes = {"vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**sizes))
    model.bert.requires_grad_(False)
    letters = torch.randint(16, (64, 6))
    rows = [{"input_ids": row, "attention_mask": torch.ones(6, dtype=torch.long), "labels": int(row[0] > 7)} for row in letters]
    return Program(hugging_face(model, rows, kind=Weighted).train, (model,))


def hugging_face_on_a_plateau() -> Program:
    """Adafactor without a rate of its own, label smoothing, a plateau's schedule, layers run again in the backward pass."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**sizes, num_labels=2))
    letters = torch.randint(16, (64, 6))
    rows = [{"input_ids": row, "labels": int(row[0] > 7)} for row in letters]
    settings = {"optim": "adafactor", "lr_scheduler_type": "reduce_lr_on_plateau", "label_smoothing_factor": 0.1}
    settings |= {"eval_dataset": rows[:16], "eval_strategy": "epoch", "gradient_checkpointing": True, "max_grad_norm": 0.5}
    return Program(hugging_face(model, rows, **settings).train, (model,))


def hugging_face_resumed() -> Program:
    """Training is taken up again from a checkpoint, and the test set is predicted afterwards."""
    model = _Classifier()
    trainer = hugging_face(model, _rows(), epochs=2, save_strategy="epoch", lr_scheduler_type="constant_with_warmup", warmup_steps=2)

    def run():
        trainer.train()
        trainer.args.num_train_epochs = 4
        trainer.train(resume_from_checkpoint=True)
        trainer.predict(_rows(32, seed=5))

    return Program(run, (model,))
