"""The gate for CI: fails when a candidate is significantly worse than a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.runtime.errors import ConfigError, DataError

from .comparison import Comparison, are_enough, articles_holding
from .counts import METRICS
from .recipes import Side
from .statistics import Interval, Sampling, articles_needed
from .tables import p_text, signed
from .verdicts import too_few


@dataclass(frozen=True)
class Condition:
    """How many points of F1 (as a fraction) of a metric may be lost."""

    metric: str
    margin: float


@dataclass(frozen=True)
class Finding:
    """What became of a condition. `difference` is candidate minus baseline."""

    condition: Condition
    difference: Interval
    p: float
    failed: bool

    def __str__(self) -> str:
        return (
            f"{'FAIL' if self.failed else 'pass'}  {self.condition.metric}: {signed(self.difference.value)} points "
            f"[{signed(self.difference.low)}, {signed(self.difference.high)}], p {p_text(self.p)}, "
            f"may lose {100 * self.condition.margin:g}"
        )


def parse_condition(text: str) -> Condition:
    """`metric:margin`, or `metric` for a margin of 0; ConfigError when the metric is unknown or the margin not in [0, 1)."""
    metric, _, margin = text.partition(":")
    if metric not in METRICS:
        raise ConfigError(f"--fail-if-worse {text}: there is no score “{metric}”; there are {', '.join(METRICS)}")
    try:
        value = float(margin or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise ConfigError(f"--fail-if-worse {text}: the margin should be a fraction from 0 to 1, such as 0.005 for half a point")
    return Condition(metric, value)


def check_articles(articles: int, sides: Sequence[Side], sampling: Sampling, where: str) -> None:
    """DataError when on so few articles no loss, however large, could be significant: such a gate would let everything pass."""
    (needed,) = articles_needed([(len(sides[0].members), len(sides[1].members))], sampling)
    if not are_enough(articles, needed):
        raise DataError(f"{where}: {too_few(articles, articles, needed, sampling)}")


def undecidable(conditions: Sequence[Condition], comparison: Comparison) -> dict[Condition, str]:
    """The conditions that could never fail, since too few articles hold what they count, and why."""
    (pair,) = comparison.pairs
    sides = comparison.sides[pair.first], comparison.sides[pair.second]
    found = {}
    for condition in conditions:
        articles = articles_holding(condition.metric, *sides, comparison.results)
        if not are_enough(articles, pair.needed):
            found[condition] = too_few(articles, len(comparison.gold), pair.needed, comparison.settings.sampling)
    return found


def judge(conditions: Sequence[Condition], found: Mapping[str, tuple[Interval, float]], alpha: float) -> list[Finding]:
    """A condition fails when the candidate lost more than the margin and the loss is significant.

    Significant is p < alpha by the paired randomisation test and an interval below zero, as in the report. Each condition is
    tested for itself: correcting for their number would let the more losses pass the more are watched.
    """
    findings = []
    for condition in conditions:
        difference, p = found[condition.metric]
        failed = difference.value < -condition.margin and p < alpha and difference.high < 0
        findings.append(Finding(condition, difference, p, failed))
    return findings
