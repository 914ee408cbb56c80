"""The learning rate over a run: a trapezoid.

Between warm-up and decay the rate is constant, so a checkpoint from before the decay can be continued with a larger budget
as if it had been planned so (Hägele et al. 2024, *Scaling laws and compute-optimal training beyond fixed training durations*).
"""


def rate_factor(progress: float, warmup: float, decay: float) -> float:
    """Factor on the peak rate (0–1) at a progress of 0–1; ``warmup`` and ``decay`` are the parts of the run they take."""
    rising = progress / warmup if warmup > 0 else 1.0
    falling = (1.0 - progress) / decay if decay > 0 else 1.0
    return max(0.0, min(1.0, rising, falling))


def in_decay(progress: float, decay: float) -> bool:
    """Whether the rate is already falling."""
    return progress > 1.0 - decay
