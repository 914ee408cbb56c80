"""First weights that know about order: sinusoidal positions, and heads of the first layer that look at the neighbouring pieces.

A small masked language model first learns the topic of a text and not the order of its words, and may stay on that plateau for
many millions of tokens, until some head happens to find the neighbours. With sinusoidal positions (Vaswani et al. 2017) attending
to a neighbour is one linear map for all positions; and here the heads of the first layer start with that map. All weights stay
free to learn, and the architecture is untouched.
"""

import math

import torch
from torch import Tensor, nn
from transformers import ElectraModel

# Distances that the heads of the first layer look at, head by head, then from the start again.
_OFFSETS = (-1, 1, -2, 2)
# With it most of a head's attention falls on its neighbour when words and positions weigh the same.
_SHARPNESS = 4.5
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def position_frequencies(pairs: int, positions: int) -> Tensor:
    """Angular frequencies of sine and cosine pairs, shape (pairs,): a half that tells neighbours apart, and one for far and near.

    The fine ones fill (0, π) evenly but not regularly: a regular grid would take positions a period apart for one another.
    """
    half = (pairs + 1) // 2
    fine = (torch.arange(1, half + 1, dtype=torch.float64) * _GOLDEN % 1.0 * math.pi).float()
    coarse = torch.logspace(math.log10(math.pi / positions), math.log10(math.pi / 4), pairs - half)
    return torch.cat([fine, coarse])


def sinusoids(positions: int, size: int, std: float) -> Tensor:
    """Position embeddings of shape (positions, size): sine and cosine of a frequency in neighbouring columns."""
    angles = torch.arange(positions)[:, None] * position_frequencies(size // 2, positions)[None, :]
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1) * (std * math.sqrt(2.0))


def rotation(frequencies: Tensor, offset: int) -> Tensor:
    """The matrix that turns the sine and cosine pairs of a position into those of the position ``offset`` further on."""
    angles = frequencies * offset
    return torch.block_diag(*(torch.tensor([[a.cos(), a.sin()], [-a.sin(), a.cos()]]) for a in angles))


def point_heads_at_neighbours(encoder: ElectraModel) -> None:
    """Give the encoder a first layer whose heads attend to the pieces at small distances.

    Args:
        encoder: changed in place. Its positions are :func:`sinusoids`, about as large as its piece embeddings; its embedding size
            is even and no larger than its hidden size.
    """
    config = encoder.config
    size, width, head_size = config.embedding_size, config.hidden_size, config.hidden_size // config.num_attention_heads
    frequencies = position_frequencies(size // 2, config.max_position_embeddings)
    pairs = min(head_size // 2, (len(frequencies) + 1) // 2)
    with torch.no_grad():
        project = torch.eye(width)
        if size != width:
            nn.init.orthogonal_(encoder.embeddings_project.weight)
            project = encoder.embeddings_project.weight
        # What a head reads: the fine pairs of the position, out of the projected embedding.
        reader = math.sqrt(_SHARPNESS) * project.T[: 2 * pairs]
        attention = "encoder.layer.0.attention"
        query, key = (encoder.get_parameter(f"{attention}.self.{name}.weight") for name in ("query", "key"))
        for head in range(config.num_attention_heads):
            rows = slice(head * head_size, head * head_size + 2 * pairs)
            turn = rotation(frequencies[:pairs], _OFFSETS[head % len(_OFFSETS)])
            key[rows] = reader
            query[rows] = turn @ reader
        # What the heads find weighs as much as the piece itself.
        for name in ("self.value", "output.dense"):
            encoder.get_parameter(f"{attention}.{name}.weight").normal_(std=width**-0.5)
