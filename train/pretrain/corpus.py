"""Reading a folder of plain text: a paragraph a line, plain or compressed."""

import lzma
import random
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO, cast

from model.runtime.errors import DataError
from train.pretrain.config import Corpus

_SUFFIXES = (".txt", ".txt.xz", ".txt.zst")
# A share of a file is taken in runs of neighbouring paragraphs, because neighbours belong to one article and serve as context.
_RUN_OF_PARAGRAPHS = 64


class CorpusError(DataError):
    """The corpus cannot be read as configured."""


def open_text(path: Path) -> TextIO:
    """Open a text file for reading, whatever its compression.

    Raises:
        CorpusError: the file is zstandard-compressed and no module that reads it is installed.
    """
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    if path.suffix == ".zst":
        return _open_zstandard(path)
    return path.open(encoding="utf-8")


def _open_zstandard(path: Path) -> TextIO:
    """Read through the standard library (Python 3.14) or the package ``zstandard``; corpora without ``.zst`` need neither."""
    if find_spec("compression") is not None:
        return cast(TextIO, import_module("compression.zstd").open(path, "rt", encoding="utf-8"))
    if find_spec("zstandard") is not None:
        return cast(TextIO, import_module("zstandard").open(path, "rt", encoding="utf-8"))
    raise CorpusError(f"{path}: reading .zst needs Python 3.14 or the package 'zstandard'; or recompress the file to .xz")


def source_files(corpus: Corpus) -> list[tuple[Path, float, int]]:
    """The files of the corpus in order, each with the share to read (0–1) and how often to repeat it.

    A file belongs to the first source whose pattern it matches.

    Raises:
        CorpusError: the folder is missing, or a pattern matches no file.
    """
    if not corpus.folder.is_dir():
        raise CorpusError(f"corpus folder not found: {corpus.folder}")
    chosen: dict[Path, tuple[float, int]] = {}
    for source in corpus.sources:
        matches = sorted(p for p in corpus.folder.glob(source.pattern) if p.name.endswith(_SUFFIXES))
        if not matches:
            raise CorpusError(f"no text file in {corpus.folder} matches {source.pattern!r}")
        for path in matches:
            chosen.setdefault(path, (source.share, source.repeat))
    return [(path, share, repeat) for path, (share, repeat) in chosen.items()]


def paragraphs(path: Path, share: float = 1.0, seed: int = 13) -> Iterator[str]:
    """The non-empty paragraphs of a file, or a random share of them in runs of neighbours (same seed, same paragraphs)."""
    chooser = random.Random(f"{seed}:{path.name}")
    wanted = True
    with open_text(path) as lines:
        for number, line in enumerate(lines):
            if number % _RUN_OF_PARAGRAPHS == 0:
                wanted = chooser.random() < share
            text = line.strip()
            if wanted and text:
                yield text
