"""CBOW vectors of the pieces (Mikolov et al. 2013), the first values of the input embeddings.

From random embeddings a small masked language model stays on the unigram plateau for millions of tokens.
"""

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.pretrain.config import WarmStart
from train.pretrain.vocabulary import SPECIAL_PIECES

_ROW = 128


def piece_frequencies(ids: NDArray[np.uint16], pieces: int) -> NDArray[np.float64]:
    """Relative frequency of every piece, add-one smoothed; shape (pieces,)."""
    counts = np.bincount(ids, minlength=pieces).astype(np.float64) + 1.0
    frequencies: NDArray[np.float64] = counts / counts.sum()
    return frequencies


class _Rows:
    """Rows of the text as gensim reads them: lists of strings, in an order drawn once."""

    def __init__(self, ids: NDArray[np.uint16], tokens: int, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(ids) // _ROW)
        self._ids = ids
        self._order = order[: max(1, tokens // _ROW)]

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._order:
            yield [str(piece) for piece in self._ids[row * _ROW : (row + 1) * _ROW]]


def train_vectors(ids: NDArray[np.uint16], pieces: int, size: int, settings: WarmStart, seed: int) -> Tensor:
    """CBOW vectors by gensim, on one thread so that the same seed gives the same vectors.

    Args:
        ids: piece ids of the text, flat.
        pieces: size of the vocabulary.
        size: length of a vector.
        settings: how much text, window, negatives, rate; vectors come centred and scaled to ``settings.std``.
        seed: of the order and the negatives.

    Returns:
        Vectors of shape (pieces, size); those of special pieces and of pieces the text lacks are random.

    Raises:
        ImportError: gensim is not installed.
    """
    try:
        word2vec = import_module("gensim.models").Word2Vec
    except ImportError as error:
        raise ImportError("the warm start needs gensim: install dosilink[pretrain], or set warm_start.tokens to 0") from error
    model = word2vec(
        _Rows(ids, settings.tokens, seed),
        vector_size=size,
        window=settings.window,
        negative=settings.negatives,
        sample=settings.sample,
        alpha=settings.rate,
        min_count=1,
        sg=0,
        epochs=1,
        workers=1,
        seed=seed,
    )
    known = [piece for piece in map(int, model.wv.index_to_key) if piece >= len(SPECIAL_PIECES)]
    found = torch.from_numpy(np.stack([model.wv[str(piece)] for piece in known]))
    found = found - found.mean(0)
    torch.manual_seed(seed)
    vectors = torch.randn(pieces, size) * settings.std
    vectors[known] = found * (settings.std / found.std())
    return vectors
