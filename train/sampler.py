"""The order in which training sees its windows."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


class RoundSampler(Sampler[int]):
    """Each epoch reads its own round of windows in random order.

    `rounds`: the windows of the first epoch, of the second …, then from the beginning; all epochs are as long as the shortest
    round, so that others leave a few windows out, by chance. Windows of like length are not put together: that spares a tenth
    of a step's time, and relations were found a little worse both times it was tried (`docs/quality.md`).
    """

    def __init__(self, rounds: Sequence[Sequence[int]], seed: int) -> None:
        self._rounds = [list(windows) for windows in rounds]
        self._size = min(len(windows) for windows in rounds)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch; a resumed run sees the order that the whole one would have seen."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(1_000_003 * self._seed + self._epoch)
        windows = self._rounds[self._epoch % len(self._rounds)]
        for place in torch.randperm(len(windows), generator=generator)[: self._size].tolist():
            yield windows[place]
