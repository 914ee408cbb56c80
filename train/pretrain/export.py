"""Writing the encoder as a Hugging Face folder that ``AutoModel`` and ``AutoTokenizer`` load with nothing of ours."""

import json
import shutil
import uuid
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import ElectraModel

from model.runtime.errors import ConfigError

# Trained without dropout; fine-tuning on little data wants it, but for attention, where it costs time and gains nothing.
_FINE_TUNING_DROPOUT = 0.1
POSITIONS = "embeddings.position_embeddings.weight"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def export_encoder(encoder: ElectraModel, tokenizer_folder: Path, target: Path, positions: int) -> None:
    """Write config, half-precision weights and tokenizer; the folder is replaced whole, so no reader sees a half-written one.

    Only the first `positions` positions are written, as many as training sequences have: an encoder is lost on others, and one
    that does not have them refuses longer input instead of reading it badly.
    """
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    partial.mkdir(parents=True)
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    config.update(
        {
            "architectures": ["ElectraModel"],
            "dtype": "float16",
            "max_position_embeddings": positions,
            "hidden_dropout_prob": _FINE_TUNING_DROPOUT,
            "attention_probs_dropout_prob": 0.0,
        }
    )
    config.save_pretrained(partial)
    weights = {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in encoder.state_dict().items()}
    weights[POSITIONS] = weights[POSITIONS][:positions].clone()
    save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
    (partial / "model.safetensors").chmod(0o644)
    copy_tokenizer(tokenizer_folder, partial)
    settings = partial / "tokenizer_config.json"
    changed = {**json.loads(settings.read_text(encoding="utf-8")), "model_max_length": positions}
    settings.write_text(json.dumps(changed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _swap(partial, target)


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder has the files of a fast tokenizer."""
    return all((folder / name).is_file() for name in _TOKENIZER_FILES)


def check_tokenizer(source: Path) -> None:
    """ConfigError when a folder does not have the files of a fast tokenizer."""
    if not has_tokenizer(source):
        files = " and ".join(_TOKENIZER_FILES)
        raise ConfigError(f"{source}: has no {files}; it is not an exported encoder or the output of a pretraining run")


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy the files of a fast tokenizer into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER_FILES:
        shutil.copyfile(source / name, target / name)


def _swap(partial: Path, target: Path) -> None:
    """Put ``partial`` in the place of ``target`` by renaming."""
    old = target.with_name(partial.name + ".old")
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)
