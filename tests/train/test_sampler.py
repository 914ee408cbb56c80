"""The order of the training windows."""

from itertools import pairwise

from train.sampler import GroupedByLength

LENGTHS = [(7 * place) % 101 + 1 for place in range(330)]


def _batches(sampler: GroupedByLength, size: int = 16) -> list[list[int]]:
    order = list(sampler)
    return [order[start : start + size] for start in range(0, len(order), size)]


def test_every_window_comes_once_and_the_short_batch_last() -> None:
    sampler = GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=3)
    batches = _batches(sampler)
    assert sorted(place for batch in batches for place in batch) == list(range(len(LENGTHS))) and len(sampler) == len(LENGTHS)
    assert [len(batch) for batch in batches] == [16] * 20 + [10]


def test_a_batch_holds_like_lengths() -> None:
    def padded(batches: list[list[int]]) -> int:
        return sum(len(batch) * max(LENGTHS[place] for place in batch) for batch in batches)

    in_order = [list(range(start, min(start + 16, len(LENGTHS)))) for start in range(0, len(LENGTHS), 16)]
    assert padded(_batches(GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=3))) < 0.7 * padded(in_order)


def test_the_batches_are_not_in_order_of_length() -> None:
    longest = [
        max(LENGTHS[place] for place in batch) for batch in _batches(GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=3))
    ][:-1]
    rises = sum(a < b for a, b in pairwise(longest))
    assert 5 < rises < 15


def test_an_epoch_has_its_own_order_whatever_came_before() -> None:
    whole, resumed = (
        GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=3),
        GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=3),
    )
    first = list(whole)
    whole.set_epoch(1)
    second = list(whole)
    resumed.set_epoch(1)
    assert list(resumed) == second != first
    assert list(GroupedByLength(LENGTHS, [range(len(LENGTHS))], 16, seed=4)) != first


def test_an_epoch_reads_its_own_round_up_to_the_shortest_one() -> None:
    rounds = [range(100), [*range(50), *range(100, 140)]]
    sampler = GroupedByLength(LENGTHS, rounds, 16, seed=3)
    assert len(sampler) == 90
    for epoch in range(4):
        sampler.set_epoch(epoch)
        windows = list(sampler)
        assert len(set(windows)) == len(windows) == 90 and set(windows) <= set(rounds[epoch % 2])
    assert set(windows) == set(rounds[1])
