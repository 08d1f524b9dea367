"""Models of the transformers library, made small from their configurations: nothing is fetched."""

from __future__ import annotations

import torch

from dldebug_magics.engine.subject import Subject

from .data import characters, loader, pictures
from .kind import healthy


@healthy(sgd=0.05, adam=3e-3, rmsprop=1e-3, floor=None)
def tiny_gpt() -> Subject:
    """Short contexts: a letter that two texts share is followed by different ones."""
    from transformers import GPT2Config, GPT2LMHeadModel

    codes, _, letters = characters(length=6, count=8)
    ends = {"bos_token_id": None, "eos_token_id": None, "loss_type": "ForCausalLM"}
    config = GPT2Config(vocab_size=letters, n_positions=8, n_embd=32, n_layer=1, n_head=2, **ends)
    batch = {"input_ids": codes, "labels": codes.clone()}
    return Subject(GPT2LMHeadModel(config).train(), train=[batch])


@healthy(sgd=0.05, adam=3e-3, rmsprop=1e-3)
def tiny_vit() -> Subject:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=8, patch_size=4, num_channels=1
    )
    config.num_labels = 10
    images, labels = pictures(16)
    return Subject(ViTForImageClassification(config).train(), train=[{"pixel_values": images, "labels": labels}])


class _Logits(torch.nn.Module):
    """What a library's model says, without the rest of its output."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x).logits


@healthy(sgd=0.05, adam=3e-3)
def tiny_resnet() -> Subject:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(num_channels=1, embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    config.num_labels = 10
    model = ResNetForImageClassification(config).train()
    return Subject(_Logits(model), torch.nn.CrossEntropyLoss(), train=loader(*pictures(32)))
