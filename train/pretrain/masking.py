"""Choosing what the encoder must restore."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.pretrain.config import Objective
from train.pretrain.vocabulary import MASK, SPECIAL_PIECES


@dataclass(frozen=True)
class MaskedBatch:
    """A batch with hidden pieces.

    Attributes:
        ids: original piece ids, shape (rows, length).
        masked: the same with the chosen pieces hidden.
        positions: flat positions of the chosen pieces in ``ids.ravel()``, shape (rows × chosen per row,).
        targets: the original ids at these positions.
    """

    ids: NDArray[np.int64]
    masked: NDArray[np.int64]
    positions: NDArray[np.int64]
    targets: NDArray[np.int64]


def mask_batch(
    ids: NDArray[np.int64], continues: NDArray[np.bool_], objective: Objective, rng: np.random.Generator
) -> MaskedBatch:
    """Hide the same number of pieces in every row (so that all batches have one shape).

    Args:
        ids: piece ids, shape (rows, length), without padding.
        continues: per id of the vocabulary, whether the piece continues a word.
        objective: the fractions; with ``whole_words`` the pieces of a word are hidden together
            (the last word of a row's quota may be cut).
        rng: source of all randomness.
    """
    rows, length = ids.shape
    chosen = max(1, round(objective.mask_fraction * length))
    noise = rng.random((rows, length))
    if objective.whole_words:
        words = np.cumsum(~continues[ids], axis=1) - 1
        noise = np.take_along_axis(noise, np.maximum(words, 0), axis=1)
    # Special pieces come last in the draw.
    noise[ids < len(SPECIAL_PIECES)] = 2.0
    columns = np.argsort(noise, axis=1, kind="stable")[:, :chosen]
    positions = (columns + length * np.arange(rows)[:, None]).ravel()
    targets = ids.ravel()[positions]
    masked = ids.copy()
    masked.ravel()[positions] = _replacements(targets, len(continues), objective, rng)
    return MaskedBatch(ids, masked, positions, targets)


def _replacements(targets: NDArray[np.int64], pieces: int, objective: Objective, rng: np.random.Generator) -> NDArray[np.int64]:
    draw = rng.random(len(targets))
    anything = rng.integers(len(SPECIAL_PIECES), pieces, len(targets))
    shown = np.where(draw < objective.keep_fraction, targets, MASK)
    swapped = draw >= 1.0 - objective.random_fraction
    return np.where(swapped, anything, shown)
