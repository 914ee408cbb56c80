"""Reading the corpus folder."""

import importlib.util
from pathlib import Path

import pytest

from train.pretrain.config import Corpus, Source
from train.pretrain.corpus import CorpusError, open_text, paragraphs, source_files


def test_plain_and_compressed_files_are_read_without_empty_lines(corpus_folder: Path) -> None:
    assert len(list(paragraphs(corpus_folder / "press.txt"))) == 150
    assert len(list(paragraphs(corpus_folder / "wiki.txt.xz"))) == 300


def test_a_file_belongs_to_the_first_pattern_that_matches(corpus_folder: Path) -> None:
    corpus = Corpus(folder=corpus_folder, sources=(Source(pattern="press*", repeat=3), Source(pattern="*.txt*", share=0.5)))
    assert [(p.name, share, repeat) for p, share, repeat in source_files(corpus)] == [
        ("press.txt", 1.0, 3),
        ("wiki.txt.xz", 0.5, 1),
    ]


def test_a_share_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(map(str, range(6400))), encoding="utf-8")
    part = list(paragraphs(path, 0.5, seed=3))
    assert part == list(paragraphs(path, 0.5, seed=3))
    assert 1600 < len(part) < 4800


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        source_files(Corpus(folder=tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match="news"):
        source_files(Corpus(folder=tmp_path, sources=(Source(pattern="news*"),)))


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) for name in ("compression", "zstandard")), reason="a zstandard reader is installed"
)
def test_zstandard_without_a_reader_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"")
    with pytest.raises(CorpusError, match="zstandard"):
        open_text(path)
