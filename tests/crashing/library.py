"""Models of the transformers library, made small from their configurations, and fed wrongly."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dldebug_magics.engine.subject import Subject

from .crash import crash
from .program import images, labels, loader, subject

IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}


def _bert(**changes: int) -> nn.Module:
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(**sizes, max_position_embeddings=16)
    config.num_labels = changes.get("num_labels", 2)
    return BertForSequenceClassification(config).train()


def _texts(top: int = 40) -> dict[str, Tensor]:
    ids = torch.randint(0, top, (4, 8))
    ids[0, 0] = top - 1
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@crash("embedding_index_error", "forward", IndexError, "index out of range in self")
def tokens_of_another_tokenizer(faulty: bool) -> Subject:
    return subject(_bert(), None, [{**_texts(60 if faulty else 40), "labels": labels(4, 2)}], model="bert")


@crash("num_classes_mismatch", "forward", IndexError, "Target 2 is out of bounds.")
def classifier_with_its_default_of_two_labels(faulty: bool) -> Subject:
    return subject(_bert(num_labels=2 if faulty else 4), None, [{**_texts(), "labels": labels(4, 4)}], model="bert")


def _gpt(places: int) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    ends = {"bos_token_id": None, "eos_token_id": None, "loss_type": "ForCausalLM"}
    return GPT2LMHeadModel(GPT2Config(vocab_size=30, n_positions=places, n_embd=16, n_layer=1, n_head=2, **ends)).train()


@crash("embedding_index_error", "forward", IndexError, "index out of range in self")
def text_longer_than_the_context(faulty: bool) -> Subject:
    ids = torch.randint(0, 30, (4, 12))
    return subject(_gpt(8 if faulty else 16), None, [{"input_ids": ids, "labels": ids.clone()}], model="gpt")


class Classifier(nn.Module):
    """A library's model and what the user puts behind it."""

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, pixels: Tensor) -> Tensor:
        return self.body(pixel_values=pixels).logits


def _resnet() -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(num_channels=3, embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    config.num_labels = 10
    return ResNetForImageClassification(config).train()


@crash(
    "channels_last_input",
    "forward",
    ValueError,
    "Make sure that the channel dimension of the pixel values match with the one set in the configuration",
)
def pictures_for_a_library_resnet(faulty: bool) -> Subject:
    pictures = images(8, 3, 32)
    train = loader(pictures.permute(0, 2, 3, 1) if faulty else pictures, labels())
    return subject(Classifier(_resnet()), nn.CrossEntropyLoss(), train, model="classifier")


@crash("labels_wrong_dtype", "loss", RuntimeError, "expected target dtype to be Long or Byte, but got Float")
def float_labels_for_a_library_resnet(faulty: bool) -> Subject:
    numbers = labels().float()
    train = loader(images(8, 3, 32), numbers if faulty else numbers.long())
    return subject(Classifier(_resnet()), nn.CrossEntropyLoss(), train, model="classifier")


@crash("model_not_callable_signature", "forward", ValueError, "You must specify exactly one of input_ids or inputs_embeds")
def batch_with_other_names_than_forward(faulty: bool) -> Subject:
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
    net = T5ForConditionalGeneration(T5Config(vocab_size=30, decoder_start_token_id=0, pad_token_id=0, **sizes)).train()
    ids = torch.randint(1, 30, (4, 8))
    return subject(net, None, [{"tokens" if faulty else "input_ids": ids, "labels": ids.flip(1)}], model="t5")
