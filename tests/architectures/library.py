"""Models of the transformers library, made small from their configurations: nothing is fetched."""

from __future__ import annotations

import torch

from .architecture import Made, architecture

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@architecture
def bert() -> Made:
    from transformers import BertConfig, BertForSequenceClassification

    model = BertForSequenceClassification(BertConfig(vocab_size=40, max_position_embeddings=16, **SMALL)).train()
    ids = torch.randint(1, 40, (3, 8))
    return model, {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}


@architecture
def gpt2() -> Made:
    from transformers import GPT2Config, GPT2LMHeadModel

    ends = {"bos_token_id": None, "eos_token_id": None, "loss_type": "ForCausalLM"}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=30, n_positions=16, n_embd=16, n_layer=2, n_head=2, **ends)).train()
    ids = torch.randint(0, 30, (3, 9))
    return model, {"input_ids": ids, "labels": ids.clone()}


@architecture
def vit() -> Made:
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(ViTConfig(image_size=16, patch_size=4, num_channels=3, **SMALL)).train(), (torch.rand(3, 3, 16, 16),)


@architecture
def library_resnet() -> Made:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(num_channels=3, embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], layer_type="bottleneck")
    return ResNetForImageClassification(config).train(), {"pixel_values": torch.rand(3, 3, 32, 32)}


@architecture
def llama() -> Made:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=30, num_key_value_heads=1, max_position_embeddings=32, **SMALL)
    return LlamaForCausalLM(config).eval(), (torch.randint(0, 30, (3, 9)),)


@architecture
def t5() -> Made:
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_decoder_layers": 1, "num_heads": 2}
    model = T5ForConditionalGeneration(T5Config(vocab_size=30, decoder_start_token_id=0, pad_token_id=0, **sizes)).train()
    return model, {"input_ids": torch.randint(1, 30, (3, 9)), "labels": torch.randint(1, 30, (3, 5))}


@architecture
def whisper() -> Made:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    sizes = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    tokens = {"vocab_size": 40, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    ends = {"suppress_tokens": None, "begin_suppress_tokens": None}
    config = WhisperConfig(
        encoder_layers=1, decoder_layers=1, num_mel_bins=8, max_source_positions=10, max_target_positions=12, **sizes, **tokens, **ends
    )
    model = WhisperForConditionalGeneration(config).train()
    return model, {"input_features": torch.randn(2, 8, 20), "decoder_input_ids": torch.randint(3, 40, (2, 6))}


@architecture
def clip() -> Made:
    from transformers import CLIPConfig, CLIPModel

    text = {"vocab_size": 40, "max_position_embeddings": 12, "eos_token_id": 39, "bos_token_id": 1, "pad_token_id": 0, **SMALL}
    picture = {"image_size": 16, "patch_size": 8, "num_channels": 3, **SMALL}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=picture, projection_dim=8)).train()
    ids = torch.randint(2, 39, (3, 7))
    ids[:, -1] = 39
    return model, {"input_ids": ids, "pixel_values": torch.rand(3, 3, 16, 16), "attention_mask": torch.ones_like(ids)}
