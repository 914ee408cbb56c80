"""Encoders by name: the one in the repository, a local folder, or a hub id.

Any ELECTRA- or BERT-like model with a fast tokenizer will do.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from .runtime.errors import ModelError

EMBEDDED = "embedded"
BACKBONE = Path(__file__).parent / "backbone"
_HANGUL_SAMPLE = "부산시는 지난해 서울에서 열린 회의에 참가했다"


@dataclass(frozen=True)
class Encoder:
    """An encoder with what goes in front of it."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    cls_id: int
    sep_id: int
    pad_id: int

    @property
    def max_length(self) -> int:
        """Positions the encoder has for pieces; RoBERTa's kind begins to count behind its padding index."""
        positions = getattr(getattr(self.model, "embeddings", None), "position_embeddings", None)
        padding = getattr(positions, "padding_idx", None)
        return int(self.model.config.max_position_embeddings) - (0 if padding is None else padding + 1)


def encoder_folder(name: str) -> Path:
    """The local folder that a name stands for, whether it is there or not."""
    return BACKBONE if name == EMBEDDED else Path(name)


def load_encoder(name: str) -> Encoder:
    """Loads an encoder with its weights in single precision.

    `name`: `embedded`, a local folder in the Hugging Face layout, or a hub id. Raises ModelError when it cannot be had (saying
    what was looked for and the ways out), or when its tokenizer does not know Hangul.
    """
    source = encoder_folder(name)
    if name == EMBEDDED and not (BACKBONE / "config.json").is_file():
        raise ModelError(f"the embedded encoder is not in {BACKBONE}; restore model/backbone/ from the repository")
    local = source.is_dir()
    if not local and (source.is_absolute() or name.startswith((".", "~"))):
        raise ModelError(f"encoder {name}: there is no such folder")
    place = str(source) if local else name
    try:
        # `use_safetensors` is left open: older hub repositories may hold a PyTorch file only, which transformers reads with
        # torch's weights-only loader, so no code of the file is run. What this project writes is safetensors.
        model = AutoModel.from_pretrained(
            place, dtype=torch.float32, trust_remote_code=False, attn_implementation="eager", local_files_only=local
        )
        tokenizer = AutoTokenizer.from_pretrained(place, use_fast=True, trust_remote_code=False, local_files_only=local)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if local:
            raise ModelError(f"encoder {place}: the folder cannot be loaded ({reason})") from None
        raise ModelError(
            f"encoder {name}: neither a local folder nor to be had from the hub (looked for {name}/config.json; {reason}). "
            f"Two ways out: encoder.name=/path/to/a/downloaded/folder, or encoder.name={EMBEDDED}"
        ) from None
    return encoder_from(model, tokenizer, name)


def encoder_from(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> Encoder:
    """An Encoder from a loaded model and its fast tokenizer; `name` goes into errors."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"encoder {name}: has no fast tokenizer (tokenizer.json), which the alignment of characters needs")
    ids = {part: getattr(tokenizer, f"{part}_token_id") for part in ("cls", "sep", "pad")}
    for part, token_id in ids.items():
        if token_id is None:
            raise ModelError(f"encoder {name}: its tokenizer has no {part.upper()} token")
    encoder = Encoder(model, as_piece_tokenizer(backend), ids["cls"], ids["sep"], ids["pad"])
    _check_hangul(encoder.tokenizer, tokenizer.unk_token_id, name)
    return encoder


def as_piece_tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that neither truncates nor pads nor adds special pieces: windows do that themselves."""
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.no_truncation()
    plain.no_padding()
    return plain


def _check_hangul(tokenizer: Tokenizer, unk_id: int | None, name: str) -> None:
    """A BERT tokenizer that strips accents takes Hangul apart and turns every eojeol into [UNK]; refuse it at once."""
    try:
        ids = tokenizer.encode(_HANGUL_SAMPLE, add_special_tokens=False).ids
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"encoder {name}: its tokenizer does not work ({error})") from None
    if unk_id is not None and ids.count(unk_id) * 2 > len(ids):
        raise ModelError(
            f"encoder {name}: its tokenizer knows no Hangul ({ids.count(unk_id)} of {len(ids)} pieces of a plain sentence are "
            "unknown). If it is a Korean model, its tokenizer_config.json lacks “do_lower_case”: false"
        )


def architecture(config_folder: Path) -> PreTrainedModel:
    """An encoder without trained weights from a folder's `config.json`; ModelError when that is damaged."""
    try:
        config = AutoConfig.from_pretrained(str(config_folder), local_files_only=True, trust_remote_code=False)
        model: PreTrainedModel = AutoModel.from_config(config, attn_implementation="eager")
        return model
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise ModelError(f"{config_folder}/config.json: cannot be read ({str(error).splitlines()[0]})") from None
