"""The tokenised corpus: one memory-mapped file of piece ids, written once, cut into packed sequences by arithmetic."""

import json
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from train.pretrain.config import Corpus
from train.pretrain.corpus import paragraphs, source_files
from train.pretrain.vocabulary import CLS, SEP, UNK

_log = logging.getLogger(__name__)
_PARAGRAPHS_AT_ONCE = 4096


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, _PARAGRAPHS_AT_ONCE)):
        yield batch


def write_tokens(corpus: Corpus, tokenizer: Tokenizer, path: Path) -> None:
    """Tokenise the corpus into a file of uint16 piece ids, each paragraph followed by ``[SEP]``; figures go to ``<path>.json``.

    The file appears under its name only when it is whole.
    """
    if tokenizer.get_vocab_size() > np.iinfo(np.uint16).max:
        raise ValueError("piece ids do not fit into 16 bits")
    partial = path.with_suffix(".partial")
    figures: dict[str, int] = {}
    unknown = total = 0
    with partial.open("wb") as out:
        for source, share, repeat in source_files(corpus):
            ids = _tokenise_file(source, share, corpus.seed, tokenizer)
            # A repeated source is copied; packing cuts each copy at other places.
            for _ in range(repeat):
                out.write(ids.tobytes())
            figures[source.name] = len(ids) * repeat
            total += len(ids)
            unknown += int((ids == UNK).sum())
            _log.info("%s: %d tokens, %d times", source.name, len(ids), repeat)
    summary = {"tokens": sum(figures.values()), "unknown_rate": unknown / max(1, total), "files": figures}
    path.with_suffix(".json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _tokenise_file(source: Path, share: float, seed: int, tokenizer: Tokenizer) -> NDArray[np.uint16]:
    parts: list[NDArray[np.uint16]] = []
    for batch in _batches(paragraphs(source, share, seed)):
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        parts.extend(np.array([*encoding.ids, SEP], dtype=np.uint16) for encoding in encodings)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)


class PackedTokens:
    """Packed sequences ``[CLS] … [SEP]`` over the memory-mapped file, without padding, in a random order for every pass.

    Which sequences come next depends on the seed and on how many were read, so a resumed run continues exactly.
    """

    def __init__(self, path: Path, length: int, seed: int) -> None:
        self.ids: NDArray[np.uint16] = np.memmap(path, dtype=np.uint16, mode="r")
        self._body = length - 2
        self._seed = seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, dtype=np.int64))
        self.sequences = len(self.ids) // self._body
        if self.sequences == 0:
            raise ValueError(f"{path}: fewer tokens than one sequence of {length}")

    def batch(self, start: int, size: int) -> NDArray[np.int64]:
        """The sequences after the first ``start`` ones: piece ids of shape (size, length)."""
        rows = np.empty((size, self._body + 2), dtype=np.int64)
        rows[:, 0], rows[:, -1] = CLS, SEP
        for row, number in enumerate(range(start, start + size)):
            sweep, position = divmod(number, self.sequences)
            begin = int(self._permutation(sweep)[position]) * self._body
            rows[row, 1:-1] = self.ids[begin : begin + self._body]
        return rows

    def _permutation(self, sweep: int) -> NDArray[np.int64]:
        if self._order[0] != sweep:
            self._order = (sweep, np.random.default_rng([self._seed, sweep]).permutation(self.sequences))
        return self._order[1]
