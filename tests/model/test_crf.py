"""The sequence likelihood against a sum over all sequences."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor

from model.crf import negative_log_likelihood
from model.runtime.schema import TAGS, begin_tag, inside_tag


def _legal(tags: tuple[int, ...]) -> bool:
    return all(not TAGS[b].startswith("I-") or TAGS[a][2:] == TAGS[b][2:] for a, b in pairwise(tags))


def _score(tags: tuple[int, ...], emissions: Tensor, transitions: Tensor) -> float:
    return float(sum(emissions[i, t] for i, t in enumerate(tags)) + sum(transitions[a, b] for a, b in pairwise(tags)))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_likelihood_is_that_of_the_sum_over_all_legal_sequences(length: int) -> None:
    torch.manual_seed(length)
    emissions, transitions = torch.randn(length, len(TAGS)) * 2, torch.randn(len(TAGS), len(TAGS))
    tags = tuple(int(t) for t in [begin_tag("ORG"), inside_tag("ORG"), 0][:length])
    everything = [_score(t, emissions, transitions) for t in product(range(len(TAGS)), repeat=length) if _legal(t)]
    expected = np.logaddexp.reduce(everything) - _score(tags, emissions, transitions)
    found = negative_log_likelihood(emissions[None], torch.tensor([tags]), torch.tensor([length]), transitions)
    assert float(found) == pytest.approx(expected, abs=1e-3)


def test_what_lies_behind_the_end_of_a_row_does_not_count() -> None:
    torch.manual_seed(0)
    emissions, transitions = torch.randn(2, 6, len(TAGS)), torch.randn(len(TAGS), len(TAGS))
    tags, lengths = torch.zeros(2, 6, dtype=torch.long), torch.tensor([6, 2])
    tags[1, 2:] = -100
    together = negative_log_likelihood(emissions, tags, lengths, transitions)
    alone = negative_log_likelihood(emissions[1:, :2], tags[1:, :2], lengths[1:], transitions)
    assert float(together[1]) == pytest.approx(float(alone), abs=1e-4)


def test_gradients_are_those_of_the_marginals() -> None:
    """The gradient of -log P by an emission is P(tag at place) less the gold tag (Lafferty et al. 2001)."""
    torch.manual_seed(1)
    emissions = torch.randn(1, 5, len(TAGS), requires_grad=True)
    tags = torch.zeros(1, 5, dtype=torch.long)
    negative_log_likelihood(emissions, tags, torch.tensor([5]), torch.zeros(len(TAGS), len(TAGS))).sum().backward()
    assert emissions.grad is not None
    assert emissions.grad.sum(dim=-1).abs().max() < 1e-5
    assert (emissions.grad[0, :, 0] <= 0).all()
