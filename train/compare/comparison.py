"""Everything a report shows, computed once: HTML, Markdown, JSON and the gate only read it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from model.runtime.document import Document

from ..data.corpus import Corpus
from ..evaluate import SHOWN_DIGITS, score
from ..metrics import Evaluation, Score
from ..provenance import file_sha256
from .calibration import Calibration, mention_calibration, relation_calibration
from .counts import METRICS, OVERALL, Counts, Family, Floats, count_all
from .entrants import Entrant, Size, provenance_of, recipe_name, recipe_of, size_of
from .errors import Outcomes, outcomes
from .groups import (
    GroupScore,
    argument_scores,
    genre_groups,
    group_scores,
    length_groups,
    seen_scores,
    training_surfaces,
)
from .logs import Cost, TrainingLog, training_cost, training_log
from .precision_recall import Curve, mention_curve, relation_curve
from .predictions import CACHE, Answers, Speed, answers
from .recipes import Row, Side, seed_pools, side_by_side, sides
from .statistics import (
    Difference,
    Interval,
    Sampling,
    Spread,
    articles_needed,
    holm,
    interval,
    randomisation_p,
    resampled_sums,
    resampling_weights,
    spread,
    value,
    verdict,
)

MAX_SIDES_IN_PAIRS = 6
"""Up to here every pair is compared; beyond, each side with the first one (fifteen comparisons are enough to read)."""


@dataclass(frozen=True)
class Settings:
    """What to compare on and how."""

    split: str = "test"
    data: Path = Path("data/annotations")
    threads: int = 1
    cache: Path = CACHE
    fresh: bool = False
    pool: bool = True
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True)
class Articles:
    """What is compared on: the articles, their file's SHA-256, and the training articles (None: the folder has none)."""

    gold: list[Document]
    sha256: str
    train: list[Document] | None


def read_articles(settings: Settings) -> Articles:
    """The split and, where the folder has one, the training split; DataError when a file is broken or the split's missing."""
    corpus = Corpus(settings.data)
    gold = corpus.read(settings.split)
    train = corpus.read("train") if corpus.jsonl("train").is_file() else None
    return Articles(gold, file_sha256(corpus.jsonl(settings.split)), train)


@dataclass(frozen=True)
class Result:
    """One entrant on the split. `seen` and `arguments` are empty when the training articles are not known."""

    entrant: Entrant
    recipe: str
    found: list[Document]
    evaluation: Evaluation
    counts: Mapping[Family, Counts]
    intervals: Mapping[str, Interval]
    outcomes: list[Outcomes]
    seen: Mapping[str, Score]
    arguments: Mapping[str, Score]
    lengths: Mapping[str, GroupScore]
    genres: Mapping[str, GroupScore]
    mention_calibration: Calibration
    relation_calibration: Calibration
    mention_curve: Curve
    relation_curve: Curve
    speed: Speed
    size: Size
    cost: Cost


@dataclass(frozen=True)
class Pair:
    """Two sides by their places; every difference is second minus first.

    `needed`: the fewest articles that can make a difference of the two significant, None when no number can for want of shuffles.
    """

    first: int
    second: int
    needed: int | None
    differences: Mapping[str, Difference]
    by_name: Mapping[str, Interval]
    """Differences of single labels and types, without a test: too many looks for a verdict."""


@dataclass(frozen=True)
class Pool:
    """The seeds of one recipe and the spread of each overall metric."""

    side: Side
    seeds: tuple[int, ...]
    spreads: Mapping[str, Spread]


@dataclass(frozen=True)
class Comparison:
    """A whole report."""

    settings: Settings
    gold: list[Document]
    sha256: str
    results: list[Result]
    sides: list[Side]
    side_intervals: list[Mapping[str, Interval]]
    pairs: list[Pair]
    pools: list[Pool]
    logs: list[TrainingLog]
    recipes: list[Row]
    provenance: list[Row]
    notes: list[str]

    @property
    def names(self) -> list[str]:
        return [result.entrant.name for result in self.results]

    @property
    def data(self) -> str:
        """The split, its folder and the beginning of its file's SHA-256."""
        return f"{self.settings.split} of {self.settings.data} (sha256 {self.sha256[:SHOWN_DIGITS]})"


Progress = Callable[[str], None]


def compare(
    entrants: Sequence[Entrant],
    settings: Settings,
    progress: Progress = lambda _: None,
    chosen: list[Side] | None = None,
) -> Comparison:
    """Predicts, scores and compares; raises the errors of data and models.

    `chosen` says what counts as one side; without it, seeds of one recipe do.
    """
    gold = read_articles(settings).gold
    given = []
    for number, entrant in enumerate(entrants, 1):
        progress(f"{entrant.name} ({number} of {len(entrants)})")
        given.append(answers(entrant, gold, settings.threads, settings.cache, settings.fresh))
    progress("statistics")
    return compare_answers(entrants, given, settings, chosen)


def compare_answers(
    entrants: Sequence[Entrant], given: Sequence[Answers], settings: Settings, chosen: list[Side] | None = None
) -> Comparison:
    """As `compare`, with what the entrants answer on the split already known."""
    articles = read_articles(settings)
    gold = articles.gold
    weights = resampling_weights(len(gold), settings.sampling)
    results, sums = [], []
    for entrant, answered in zip(entrants, given, strict=True):
        counts = count_all(gold, answered.predictions)
        resampled = {family: resampled_sums(part, weights) for family, part in counts.items()}
        sums.append(resampled)
        results.append(_result(entrant, answered, articles, counts, resampled, settings))
    chosen = chosen or sides(entrants, settings.pool)
    return Comparison(
        settings=settings,
        gold=gold,
        sha256=articles.sha256,
        results=results,
        sides=chosen,
        side_intervals=[
            _intervals([results[m].counts for m in s.members], [sums[m] for m in s.members], settings) for s in chosen
        ],
        pairs=_pairs(chosen, results, sums, settings),
        pools=[_pool(side, results) for side in seed_pools(entrants)],
        logs=[training_log(run) for run in dict.fromkeys(e.run for e in entrants if e.run)],
        recipes=side_by_side([recipe_of(entrant) for entrant in entrants]),
        provenance=side_by_side([_facts(entrant) for entrant in entrants]),
        notes=_notes(entrants, articles, settings),
    )


def _result(
    entrant: Entrant,
    given: Answers,
    articles: Articles,
    counts: Mapping[Family, Counts],
    resampled: Mapping[Family, Floats],
    settings: Settings,
) -> Result:
    gold, found = articles.gold, given.predictions.end_to_end
    matched = [outcomes(g, f) for g, f in zip(gold, found, strict=True)]
    seen = None if articles.train is None else training_surfaces(articles.train)
    return Result(
        entrant=entrant,
        recipe=recipe_name(entrant),
        found=found,
        evaluation=score(gold, given.predictions),
        counts=counts,
        intervals=_intervals([counts], [resampled], settings),
        outcomes=matched,
        seen={} if seen is None else seen_scores(gold, found, seen),
        arguments={} if seen is None else argument_scores(gold, found, seen),
        lengths=group_scores(gold, found, length_groups(gold)),
        genres=group_scores(gold, found, genre_groups(gold)),
        mention_calibration=mention_calibration(matched),
        relation_calibration=relation_calibration(matched),
        mention_curve=mention_curve(gold, found),
        relation_curve=relation_curve(gold, found),
        speed=given.speed,
        size=size_of(entrant),
        cost=training_cost(entrant),
    )


FamilyCounts = Mapping[Family, Counts]
FamilySums = Mapping[Family, Floats]


def _samples(key: str, sums: Sequence[FamilySums]) -> Floats:
    """[B] a metric on the bootstrap samples, the mean over a side's members."""
    metric = METRICS[key]
    return np.mean([metric(member[metric.family]) for member in sums], axis=0)


def _observed(key: str, counts: Sequence[FamilyCounts]) -> float:
    return value(METRICS[key], [member[METRICS[key].family] for member in counts])


def _intervals(counts: Sequence[FamilyCounts], sums: Sequence[FamilySums], settings: Settings) -> dict[str, Interval]:
    alpha = settings.sampling.alpha
    return {key: interval(_observed(key, counts), _samples(key, sums), alpha) for key in METRICS}


def _pairs(chosen: Sequence[Side], results: Sequence[Result], sums: Sequence[FamilySums], settings: Settings) -> list[Pair]:
    places = list(combinations(range(len(chosen)), 2))
    if len(chosen) > MAX_SIDES_IN_PAIRS:
        places = [pair for pair in places if pair[0] == 0]
    intervals = [
        {key: difference_interval(key, chosen[a], chosen[b], results, sums, settings) for key in METRICS} for a, b in places
    ]
    needed = articles_needed([(len(chosen[a].members), len(chosen[b].members)) for a, b in places], settings.sampling)
    tested: list[dict[str, Difference]] = [{} for _ in places]
    for key in OVERALL:
        p_values = [side_p(key, chosen[a], chosen[b], results, settings) for a, b in places]
        for row, (p, adjusted) in enumerate(zip(p_values, holm(p_values), strict=True)):
            difference = intervals[row][key]
            a, b = places[row]
            enough = are_enough(articles_holding(key, chosen[a], chosen[b], results), needed[row])
            said = verdict(difference, adjusted, settings.sampling.alpha) if enough else "too few articles"
            tested[row][key] = Difference(difference, p, adjusted, said)
    return [
        Pair(a, b, least, differences, {key: i for key, i in every.items() if key not in OVERALL})
        for (a, b), least, differences, every in zip(places, needed, tested, intervals, strict=True)
    ]


def are_enough(articles: int, needed: int | None) -> bool:
    """Whether a difference on so many articles can be significant."""
    return needed is not None and articles >= needed


def articles_holding(key: str, first: Side, second: Side, results: Sequence[Result]) -> int:
    """Articles that hold what the metric counts, annotated or answered by either side: no other has a part in the test."""
    metric = METRICS[key]
    values = np.stack([results[m].counts[metric.family].values for m in (*first.members, *second.members)])
    if metric.kind == "name":
        values = values[:, :, [metric.index]]
    return int(values.any(axis=(0, 2, 3)).sum())


def difference_interval(
    key: str, first: Side, second: Side, results: Sequence[Result], sums: Sequence[FamilySums], settings: Settings
) -> Interval:
    """Second minus first, with the interval over the same bootstrap samples."""
    observed = [_observed(key, [results[m].counts for m in side.members]) for side in (first, second)]
    samples = [_samples(key, [sums[m] for m in side.members]) for side in (first, second)]
    return interval(observed[1] - observed[0], samples[1] - samples[0], settings.sampling.alpha)


def side_p(key: str, first: Side, second: Side, results: Sequence[Result], settings: Settings) -> float:
    """The p-value of the difference of two sides."""
    metric = METRICS[key]
    counts = [[results[m].counts[metric.family] for m in side.members] for side in (first, second)]
    return randomisation_p(metric, counts[0], counts[1], settings.sampling)


def pair_findings(comparison: Comparison, metrics: Sequence[str]) -> dict[str, tuple[Interval, float]]:
    """Difference and uncorrected p-value of the first pair in the given metrics, those of single labels included."""
    (pair,) = comparison.pairs
    first, second = comparison.sides[pair.first], comparison.sides[pair.second]
    found = {}
    for key in metrics:
        if key in pair.differences:
            found[key] = (pair.differences[key].interval, pair.differences[key].p)
        else:
            found[key] = (pair.by_name[key], side_p(key, first, second, comparison.results, comparison.settings))
    return found


def _pool(side: Side, results: Sequence[Result]) -> Pool:
    members = [results[m] for m in side.members]
    seeds = tuple(int(recipe_of(member.entrant)["seed"]) for member in members)
    return Pool(side, seeds, {key: spread([member.intervals[key].value for member in members]) for key in OVERALL})


def _facts(entrant: Entrant) -> dict[str, Any]:
    return {"kind": entrant.kind, "path": str(entrant.path), **provenance_of(entrant)}


def _notes(entrants: Sequence[Entrant], articles: Articles, settings: Settings) -> list[str]:
    """What a reader should know before trusting the numbers."""
    corpus = Corpus(settings.data)
    notes = []
    if articles.train is None:
        notes.append(f"{settings.data} has no train.jsonl: names seen and not seen in training are not told apart.")
    for split, consequence in (
        ("train", "“seen in training” refers to the current file, and part of the test data may have been learned"),
        (settings.split, "its own report may show other numbers"),
    ):
        if not corpus.jsonl(split).is_file():
            continue
        now = file_sha256(corpus.jsonl(split))
        for entrant in entrants:
            then = provenance_of(entrant).get(f"{split}.jsonl sha256")
            if then is not None and then != now:
                notes.append(f"{entrant.name} was made with another {split}.jsonl than the present one: {consequence}.")
    if settings.split == "train":
        notes.append(
            "The articles are those of the training split: the scores say what was learned by heart, nothing about new text."
        )
    if settings.split == "dev":
        notes.append("Checkpoints are chosen by their score on dev, so scores on dev are a little too good.")
    return list(dict.fromkeys(notes))
