"""The mask that is drawn by bytes: its share, its scale, its gradient, and what it leaves alone."""

import pytest
import torch
from torch import nn

from model.dropout import ByteDropout, use_byte_dropout

SHAPE = (64, 33, 77)  # not a multiple of eight


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_drops_the_share_and_keeps_the_mean(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    out = ByteDropout(share)(torch.ones(SHAPE, dtype=dtype)).float()
    assert (out == 0).float().mean().item() == pytest.approx(share, abs=0.006)
    assert out.mean().item() == pytest.approx(1, abs=0.03)
    assert len(out.unique()) == 2


def test_every_byte_of_a_draw_is_alike() -> None:
    torch.manual_seed(2)
    out = ByteDropout(0.5)(torch.ones(8 * 20_000)).view(-1, 8)
    shares = (out == 0).float().mean(dim=0)
    assert shares.tolist() == pytest.approx([0.5] * 8, abs=0.02)
    both = ((out[:, :-1] == 0) & (out[:, 1:] == 0)).float().mean(dim=0)
    assert both.tolist() == pytest.approx([0.25] * 7, abs=0.02)


def test_gradient_passes_where_the_value_did() -> None:
    torch.manual_seed(3)
    ones = torch.ones(SHAPE, requires_grad=True)
    out = ByteDropout(0.3)(ones)
    out.sum().backward()
    assert ones.grad is not None
    assert torch.equal(ones.grad, out.detach())


def test_same_seed_same_mask() -> None:
    torch.manual_seed(4)
    first = ByteDropout(0.2)(torch.ones(100))
    torch.manual_seed(4)
    assert torch.equal(ByteDropout(0.2)(torch.ones(100)), first)


@pytest.mark.parametrize("module", [ByteDropout(0.0), ByteDropout(0.5).eval()])
def test_leaves_alone_what_is_not_dropped(module: ByteDropout) -> None:
    values = torch.randn(5, 3)
    assert torch.equal(module(values), values)


def test_all_dropped_is_zero() -> None:
    assert not ByteDropout(1.0)(torch.ones(50)).any()


def test_exchanges_dropout_at_every_depth() -> None:
    network = nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.4)))
    use_byte_dropout(network)
    assert [(type(m), m.p) for m in network.modules() if isinstance(m, nn.Dropout)] == [(ByteDropout, 0.1), (ByteDropout, 0.4)]
