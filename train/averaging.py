"""The finished weights drawn back towards those a run started from (WiSE-FT: Wortsman et al. 2022, arXiv:2109.01903).

Fine-tuning at a rate that fits the articles well forgets some of what the start knew of other texts. On the straight line between
both the loss has no hill when heads and encoder start from trained weights, and a point on it often keeps most of both.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def copy_of(network: nn.Module) -> dict[str, Tensor]:
    """The weights as they are now, apart from the network."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@torch.no_grad()
def draw_back(network: nn.Module, first: Mapping[str, Tensor], share: float) -> None:
    """Makes each weight `share` × first + (1 − `share`) × its present value, in place. What is no floating-point number stays."""
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.lerp_(first[name].to(value.device), share)
