"""Writes a model that any of the engines can serve without weights: `python model.py FOLDER`.

Two small Llama layers, one token for each byte, and two LoRA adapters of random numbers under FOLDER/adapters. Needs
torch, safetensors, tokenizers and transformers, which the engines bring.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

HIDDEN, LAYERS, HEAD = 128, 2, 32


def write_tokenizer(folder: Path) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    fast.save_pretrained(folder)


def write_config(folder: Path) -> None:
    LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=320,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HIDDEN // HEAD,
        num_key_value_heads=2,
        head_dim=HEAD,
        max_position_embeddings=4096,
        bos_token_id=256,
        eos_token_id=257,
        dtype="bfloat16",
    ).save_pretrained(folder)


def write_adapter(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for layer in range(LAYERS):
        for part, rows in (("q_proj", HIDDEN), ("v_proj", 2 * HEAD)):
            base = f"base_model.model.model.layers.{layer}.self_attn.{part}"
            tensors[f"{base}.lora_A.weight"] = torch.randn(8, HIDDEN) * 0.01
            tensors[f"{base}.lora_B.weight"] = torch.randn(rows, 8) * 0.01
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny-llama"}
    config |= {"r": 8, "lora_alpha": 16, "bias": "none", "target_modules": ["q_proj", "v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    write_tokenizer(root)
    write_config(root)
    for name in ("sql-lora", "chat-lora"):
        write_adapter(root / "adapters" / name)
