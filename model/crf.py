"""Likelihood of tag sequences under a linear-chain conditional random field (Lafferty et al. 2001), in torch.

Decoding is numpy and lives in `runtime/decoding.py`, where the exported model needs it too.
"""

import torch
from torch import Tensor

from .runtime.decoding import legal_transitions


def negative_log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """[B] -log P(tags | emissions) of the first `lengths` [B] ≥ 1 places of each row.

    `emissions`: [B, L, T]; `tags`: [B, L], anything behind the end; `transitions`: [T, T] from a tag to the next. Illegal BIO
    sequences have no probability; any tag may come first, because a window may begin inside a long mention.
    """
    scores = transitions + torch.from_numpy(legal_transitions()).to(transitions)
    return _log_partition(emissions, lengths, scores) - _score(emissions, tags, lengths, scores)


def _score(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    inside = _inside(emissions, lengths)
    tags = torch.where(inside, tags, 0)
    emitted = emissions.gather(2, tags.unsqueeze(-1)).squeeze(-1)
    moved = transitions[tags[:, :-1], tags[:, 1:]]
    return (emitted * inside).sum(dim=1) + torch.where(inside[:, 1:], moved, 0.0).sum(dim=1)


def _log_partition(emissions: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    # The forward recursion over probabilities, scaled at every step: cheaper than a logsumexp over [B, T, T].
    top = emissions.detach().amax(dim=-1, keepdim=True)
    weights = (emissions - top).exp().unbind(dim=1)
    moves = transitions.exp()
    inside = _inside(emissions, lengths).unbind(dim=1)
    total = weights[0].sum(dim=-1, keepdim=True)
    forward, log_scales = weights[0] / total, [total.log()]
    for weight, going_on in zip(weights[1:], inside[1:], strict=True):
        step = (forward @ moves) * weight
        total = torch.where(going_on.unsqueeze(-1), step.sum(dim=-1, keepdim=True), 1.0)
        forward = torch.where(going_on.unsqueeze(-1), step / total, forward)
        log_scales.append(total.log())
    shift = (top.squeeze(-1) * _inside(emissions, lengths)).sum(dim=1)
    return torch.cat(log_scales, dim=-1).sum(dim=-1) + shift


def _inside(emissions: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(emissions.shape[1], device=emissions.device) < lengths.unsqueeze(-1)
