"""A tiny corpus on disk."""

import lzma
from pathlib import Path

import pytest
from tiny_pretraining import sentences


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain and a compressed file."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "press.txt").write_text("\n".join(sentences(150)) + "\n\n", encoding="utf-8")
    with lzma.open(folder / "wiki.txt.xz", "wt", encoding="utf-8") as out:
        out.write("\n".join(sentences(300, seed=2)) + "\n")
    return folder
