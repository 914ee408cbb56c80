"""The order of the training windows."""

from train.sampler import RoundSampler


def test_every_window_comes_once_in_another_order_each_epoch() -> None:
    sampler = RoundSampler([range(330)], seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(330)) != first and len(sampler) == 330
    sampler.set_epoch(1)
    assert sorted(sampler) == list(range(330)) and list(sampler) != first
    assert list(RoundSampler([range(330)], seed=4)) != first


def test_a_resumed_run_sees_the_order_of_the_whole_one() -> None:
    whole, resumed = RoundSampler([range(90), range(50, 150)], seed=3), RoundSampler([range(90), range(50, 150)], seed=3)
    list(whole)
    whole.set_epoch(1)
    resumed.set_epoch(1)
    assert list(resumed) == list(whole)


def test_an_epoch_reads_its_own_round_up_to_the_shortest_one() -> None:
    rounds = [range(100), [*range(50), *range(100, 140)]]
    sampler = RoundSampler(rounds, seed=3)
    assert len(sampler) == 90
    for epoch in range(4):
        sampler.set_epoch(epoch)
        windows = list(sampler)
        assert len(set(windows)) == len(windows) == 90 and set(windows) <= set(rounds[epoch % 2])
    assert set(windows) == set(rounds[1])
