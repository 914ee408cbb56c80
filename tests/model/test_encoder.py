"""Encoders by name: local folders in KoELECTRA's layout, and clear errors."""

import json
from pathlib import Path

import pytest
import torch
from transformers import ElectraConfig, ElectraModel

from model.encoder import load_encoder
from model.runtime.errors import ModelError
from model.runtime.lexicon import Lexicon
from model.runtime.windows import WindowSettings, window_text

PIECES = """[PAD] [UNK] [CLS] [SEP] [MASK] 부산시 부산 ##시 ##는 ##장 후쿠 ##오카 ##에서 서울 지난해 열린 회의 ##에 참가 ##했다
.""".split()


def _koelectra_layout(folder: Path, **tokenizer_config: object) -> Path:
    """config.json, vocab.txt, tokenizer_config.json and the weights, as the KoELECTRA repositories hold them."""
    config = ElectraConfig(
        vocab_size=len(PIECES),
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    torch.manual_seed(3)
    ElectraModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config), encoding="utf-8")
    return folder


def test_a_local_folder_in_koelectras_layout(tmp_path: Path) -> None:
    encoder = load_encoder(str(_koelectra_layout(tmp_path, do_lower_case=False, model_max_length=512)))
    assert (encoder.cls_id, encoder.sep_id, encoder.pad_id) == (2, 3, 0)
    assert encoder.max_length == 64
    assert encoder.tokenizer.encode("부산시는", add_special_tokens=False).tokens == ["부산시", "##는"]
    (window,) = window_text("부산시는 서울", encoder.tokenizer, WindowSettings(32, 0, 2, 3, 0), Lexicon.empty()).windows
    states = encoder.model(input_ids=torch.from_numpy(window.piece_ids)[None]).last_hidden_state
    assert states.shape == (1, len(window.piece_ids), 16)


def test_the_weights_are_loaded_in_single_precision(tmp_path: Path) -> None:
    folder = _koelectra_layout(tmp_path, do_lower_case=False)
    ElectraModel.from_pretrained(folder).half().save_pretrained(folder)
    assert {p.dtype for p in load_encoder(str(folder)).model.parameters()} == {torch.float32}


def test_a_tokenizer_that_takes_hangul_apart_is_refused(tmp_path: Path) -> None:
    """transformers' default for BERT tokenizers strips accents, which decomposes every syllable."""
    with pytest.raises(ModelError, match=r"no Hangul .*do_lower_case"):
        load_encoder(str(_koelectra_layout(tmp_path, do_lower_case=True)))


def test_a_hub_id_that_cannot_be_reached() -> None:
    with pytest.raises(ModelError) as error:
        load_encoder("monologg/koelectra-small-v3-discriminator")
    message = str(error.value)
    assert "monologg/koelectra-small-v3-discriminator/config.json" in message
    assert "encoder.name=/path" in message and "encoder.name=embedded" in message and "\n" not in message


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        load_encoder(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("damaged", ["config.json", "model.safetensors", "vocab.txt"])
def test_a_damaged_folder(tmp_path: Path, damaged: str) -> None:
    folder = _koelectra_layout(tmp_path, do_lower_case=False)
    (folder / damaged).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError):
        load_encoder(str(folder))
