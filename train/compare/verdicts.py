"""What a comparison says in plain sentences: better, worse, cannot tell, or too few articles to tell anything."""

from .comparison import Comparison, Pair, articles_holding
from .counts import HEADLINE
from .statistics import Difference, Interval, Sampling
from .tables import Cell, Style, p_text, signed

STYLES: dict[str, Style] = {"better": "better", "worse": "worse", "cannot tell": "unsure", "too few articles": "unsure"}


def sentences(comparison: Comparison) -> list[Cell]:
    """A plain sentence a pair and headline metric: better, worse, cannot tell, or too few articles."""
    said = []
    for pair in comparison.pairs:
        for key in HEADLINE:
            difference = pair.differences[key]
            said.append(Cell(_sentence(comparison, pair, key, difference), STYLES[difference.verdict]))
    return said


def _sentence(comparison: Comparison, pair: Pair, key: str, difference: Difference) -> str:
    first, second = comparison.sides[pair.first].name, comparison.sides[pair.second].name
    what = {"entity_f1": "mentions", "relation_f1": "relations (end to end)"}[key]
    numbers = f"{difference_text(difference.interval)}, p {_equals(difference.p_adjusted)}"
    if difference.verdict == "too few articles":
        sides = comparison.sides[pair.first], comparison.sides[pair.second]
        articles = articles_holding(key, *sides, comparison.results)
        few = too_few(articles, len(comparison.gold), pair.needed, comparison.settings.sampling)
        return f"{second} against {first} at {what}: {few}: {numbers}."
    if difference.verdict == "cannot tell":
        articles = len(comparison.gold)
        return f"Cannot tell whether {second} or {first} is better at {what} from these {articles} articles: {numbers}."
    return f"{second} is {difference.verdict} than {first} at {what}: {numbers}."


def too_few(articles: int, total: int, needed: int | None, sampling: Sampling) -> str:
    """Why no difference can be significant: `articles` of `total` hold what is counted, `needed` would be enough."""
    if needed is None:
        return f"{sampling.resamples:,} shuffles are too few for any verdict at this level, name more with --resamples"
    held = f" of {total} (the others hold none)" if articles < total else ""
    noun, verb = ("article", "is") if articles == 1 else ("articles", "are")
    return f"{articles} {noun}{held} {verb} too few for any verdict at this level (at least {needed})"


def difference_text(interval: Interval) -> str:
    """A difference with its interval, in points of F1."""
    return f"{signed(interval.value)} points of F1, 95% interval {signed(interval.low)} to {signed(interval.high)}"


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"
