"""A tiny corpus and a tiny encoder on disk, which every entrant can learn from in seconds."""

import sys
from pathlib import Path

import pytest
import torch
from transformers import ElectraConfig, ElectraModel, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).parents[2] / "train"))

from tiny_corpus import ARTICLE, TINY, write_tiny_corpus

from benchmarks.quality.articles import Articles, read_articles
from train.random_encoder import wordpiece


@pytest.fixture(scope="session")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    """The same article in all splits: to be learned by heart."""
    return read_articles(write_tiny_corpus(tmp_path_factory.mktemp("corpus") / "data"))


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of one layer with random weights, in the Hugging Face layout."""
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = wordpiece([ARTICLE, "부산시는 지난해 서울에서 열린 회의에 참가했다"], 400)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )
    wrapped.save_pretrained(folder)
    torch.manual_seed(3)
    config = ElectraConfig(
        vocab_size=tokenizer.get_vocab_size(),
        embedding_size=32,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    ElectraModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_recipe() -> list[str]:
    """Overrides that make the random recipe tiny."""
    return [*TINY, "training.epochs=2"]
