"""The tokenised corpus: one memory-mapped file of piece ids, written once, cut into packed sequences by arithmetic."""

import json
import logging
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from train.pretrain.config import Corpus
from train.pretrain.corpus import paragraphs, source_files
from train.pretrain.teacher import UNTAGGED, Teacher, piece_classes
from train.pretrain.vocabulary import CLS, SEP, UNK

_log = logging.getLogger(__name__)
_PARAGRAPHS_AT_ONCE = 4096


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, _PARAGRAPHS_AT_ONCE)):
        yield batch


def tags_path(path: Path) -> Path:
    """Where the teacher's classes for the pieces of a tokenised corpus are kept."""
    return path.with_suffix(".tags")


def write_tokens(corpus: Corpus, tokenizer: Tokenizer, path: Path, teacher: Teacher | None = None) -> None:
    """Tokenise the corpus into a file of uint16 piece ids, each paragraph followed by ``[SEP]``; figures go to ``<path>.json``.

    With a teacher, its class of each piece (uint8) goes to :func:`tags_path`. Files appear under their names only when they are
    whole, the pieces last.
    """
    if tokenizer.get_vocab_size() > np.iinfo(np.uint16).max:
        raise ValueError("piece ids do not fit into 16 bits")
    partial = path.with_suffix(".partial")
    figures: dict[str, int] = {}
    unknown = total = 0
    partial_tags = path.with_suffix(".tags.partial")
    with partial.open("wb") as out, partial_tags.open("wb") as tags_out:
        for source, share, repeat in source_files(corpus):
            ids, tags = _tokenise_file(source, share, corpus.seed, tokenizer, teacher)
            # A repeated source is copied; packing cuts each copy at other places.
            for _ in range(repeat):
                out.write(ids.tobytes())
                tags_out.write(tags.tobytes())
            figures[source.name] = len(ids) * repeat
            total += len(ids)
            unknown += int((ids == UNK).sum())
            _log.info("%s: %d tokens, %d times", source.name, len(ids), repeat)
    summary = {"tokens": sum(figures.values()), "unknown_rate": unknown / max(1, total), "files": figures}
    path.with_suffix(".json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if teacher is None:
        partial_tags.unlink()
    else:
        partial_tags.replace(tags_path(path))
    partial.replace(path)


def _tokenise_file(
    source: Path, share: float, seed: int, tokenizer: Tokenizer, teacher: Teacher | None
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Piece ids of a file and, with a teacher, their classes."""
    ids: list[NDArray[np.uint16]] = [np.zeros(0, dtype=np.uint16)]
    tags: list[NDArray[np.uint8]] = [np.zeros(0, dtype=np.uint8)]
    for batch in _batches(paragraphs(source, share, seed)):
        encode = tokenizer.encode_batch_fast if teacher is None else tokenizer.encode_batch  # the fast one has no offsets
        encodings = encode(batch, add_special_tokens=False)
        ids.extend(np.array([*encoding.ids, SEP], dtype=np.uint16) for encoding in encodings)
        if teacher is not None:
            for text, encoding, morphemes in zip(batch, encodings, teacher(batch), strict=True):
                classes = piece_classes(len(text), morphemes, [start for start, _ in encoding.offsets])
                tags.append(np.append(classes, np.uint8(UNTAGGED)))
    return np.concatenate(ids), np.concatenate(tags)


class PackedTokens:
    """Packed sequences ``[CLS] … [SEP]`` over the memory-mapped file, without padding, in a random order for every pass.

    Which sequences come next depends on the seed and on how many were read, so a resumed run continues exactly.
    """

    def __init__(self, path: Path, length: int, seed: int) -> None:
        self.ids: NDArray[np.uint16] = np.memmap(path, dtype=np.uint16, mode="r")
        self._path = path
        self._body = length - 2
        self._seed = seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, dtype=np.int64))
        self.sequences = len(self.ids) // self._body
        if self.sequences == 0:
            raise ValueError(f"{path}: fewer tokens than one sequence of {length}")

    def batch(self, start: int, size: int) -> NDArray[np.int64]:
        """The sequences after the first ``start`` ones: piece ids of shape (size, length)."""
        rows = self._rows(self.ids, start, size)
        rows[:, 0], rows[:, -1] = CLS, SEP
        return rows

    def tags(self, start: int, size: int) -> NDArray[np.int64]:
        """The teacher's classes of the same sequences, shape (size, length); the corpus has been tokenised with one."""
        return self._rows(self._tags, start, size)

    @cached_property
    def _tags(self) -> NDArray[np.uint8]:
        return np.memmap(tags_path(self._path), dtype=np.uint8, mode="r")

    def _rows(self, column: NDArray[Any], start: int, size: int) -> NDArray[np.int64]:
        rows = np.zeros((size, self._body + 2), dtype=np.int64)
        for row, number in enumerate(range(start, start + size)):
            sweep, position = divmod(number, self.sequences)
            begin = int(self._permutation(sweep)[position]) * self._body
            rows[row, 1:-1] = column[begin : begin + self._body]
        return rows

    def _permutation(self, sweep: int) -> NDArray[np.int64]:
        if self._order[0] != sweep:
            self._order = (sweep, np.random.default_rng([self._seed, sweep]).permutation(self.sequences))
        return self._order[1]
