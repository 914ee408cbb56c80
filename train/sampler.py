"""The order in which training sees its windows."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class GroupedByLength(Sampler[int]):
    """Windows of like length stand in one batch, so that little is padded; the batches come in random order.

    Most windows are full, the last of an article is not, and one long window makes a batch of short ones as dear as itself.
    The library's own sampler would show each stretch of the epoch from its longest to its shortest batch.

    `lengths`: of all windows. `rounds`: the windows of the first epoch, of the second …, then from the beginning; all epochs
    are as long as the shortest round, so that others leave a few windows out, by chance.
    """

    def __init__(self, lengths: Sequence[int], rounds: Sequence[Sequence[int]], batch_size: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._rounds = [list(windows) for windows in rounds]
        self._size = min(len(windows) for windows in rounds)
        self._batch_size = batch_size
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
        drawn = [windows[place] for place in torch.randperm(len(windows), generator=generator)[: self._size].tolist()]
        grouped = get_length_grouped_indices([self._lengths[window] for window in drawn], self._batch_size, generator=generator)
        order = [drawn[place] for place in grouped]
        full = len(order) // self._batch_size
        for batch in torch.randperm(full, generator=generator).tolist():
            yield from order[batch * self._batch_size : (batch + 1) * self._batch_size]
        yield from order[full * self._batch_size :]
