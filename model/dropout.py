"""Dropout whose mask is cheap to draw on a CPU.

torch draws one number of the Mersenne Twister for every element, on one thread, whatever the number of cores: a seventh of a
training step on one core, by torch's profiler. One draw has eight bytes, and a byte is all that a mask of a few percent needs.
"""

import torch
from torch import Tensor, nn

_STEPS = 256


class ByteDropout(nn.Dropout):
    """As `nn.Dropout`, with `p` rounded to the next 256th (0.1 becomes 0.1016) and survivors scaled for just that.

    Off the CPU, and for shares that round to none or all, it is `nn.Dropout`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same shape."""
        dropped = round(self.p * _STEPS)
        if not self.training or not 0 < dropped < _STEPS or input.device.type != "cpu":
            return super().forward(input)
        words = torch.empty(-(-input.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: input.numel()].view(input.shape)
        # 1 where the byte reaches `dropped`, else 0; a comparison would make a boolean, which multiplies slowly.
        kept = drawn.clamp_(dropped - 1, dropped).sub_(dropped - 1)
        return input * kept.to(input.dtype).mul_(_STEPS / (_STEPS - dropped))


def use_byte_dropout(module: nn.Module) -> None:
    """Exchanges every `nn.Dropout` below the module, in place."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                setattr(parent, name, ByteDropout(child.p))
