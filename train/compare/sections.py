"""A comparison as sections of sentences, tables and figures."""

from collections.abc import Mapping, Sequence

from model.runtime.schema import LABELS, RELATIONS

from ..metrics import Score, Scores
from .calibration import Calibration
from .comparison import Comparison
from .counts import HEADLINE, METRICS, OVERALL
from .errors import (
    MENTION_ERRORS,
    NOTHING,
    RELATION_ERRORS,
    Confusion,
    label_confusion,
    mention_classes,
    relation_classes,
    relation_confusion,
    wrong_surfaces,
)
from .groups import ARGUMENTS, SEEN, UNSEEN, GroupScore
from .plots import course, forest, precision_recall, reliability, training_curves
from .precision_recall import SHOWN, at
from .recipes import Row as SettingRow
from .statistics import Interval
from .tables import Cell, Figure, Row, Section, Style, Table, best, p_text, points, signed, table
from .verdicts import STYLES, sentences

_MAIN = ("entity_f1", "entity_macro_f1", "relation_f1", "relation_macro_f1", "relation_gold_f1", "partial_f1", "type_f1")
_FOREST = ("entity_f1", "relation_f1", "relation_gold_f1")
_SURFACES = 15
_BUSY = 0.75
"""Load a core above which timings say little."""


def sections(comparison: Comparison) -> list[Section]:
    """All parts of the report but the browser of articles, which only the page has."""
    parts = [
        overview(comparison),
        differences(comparison),
        mentions(comparison),
        relations(comparison),
        groups(comparison),
        errors(comparison),
        calibrations(comparison),
        costs(comparison),
        recipes(comparison),
    ]
    return [section for section in parts if section.parts or section.sentences]


# What is better


def overview(comparison: Comparison) -> Section:
    """Verdicts and the main scores side by side."""
    names = [side.name for side in comparison.sides]
    parts: list[Table | Figure] = [
        forest("forest", "Scores with their 95% intervals", names, comparison.side_intervals, _FOREST),
        table(
            "Scores",
            ("score", *names),
            [_interval_row(METRICS[key].title, [found[key] for found in comparison.side_intervals]) for key in _MAIN],
            "F1 in points out of 100, 95% interval over articles in brackets. Micro F1 unless it says a mean; a partial match "
            "counts overlap by half whatever the label; a type match wants the label and any overlap.",
        ),
    ]
    stages = _stages(comparison)
    if stages:
        parts.append(course(stages, HEADLINE))
    parts.extend(_pool_tables(comparison))
    said = [*sentences(comparison), *(Cell(note, "quiet") for note in comparison.notes)]
    return Section("overview", "Overview", tuple(said), tuple(parts))


def _interval_row(name: str, intervals: Sequence[Interval]) -> Row:
    texts = [f"{points(i.value)} [{points(i.low)}, {points(i.high)}]" for i in intervals]
    return [Cell(name), *best([i.value for i in intervals], texts)]


def _stages(comparison: Comparison) -> dict[str, list[tuple[int, dict[str, Interval]]]]:
    """Checkpoints of one run, where at least two take part."""
    runs: dict[str, list[tuple[int, dict[str, Interval]]]] = {}
    for result in comparison.results:
        if result.entrant.step is not None and result.entrant.run is not None:
            runs.setdefault(result.entrant.run.resolve().name, []).append((result.entrant.step, dict(result.intervals)))
    return {run: sorted(stages, key=lambda stage: stage[0]) for run, stages in runs.items() if len(stages) > 1}


def _pool_tables(comparison: Comparison) -> list[Table]:
    tables = []
    for pool in comparison.pools:
        members = [comparison.results[m] for m in pool.side.members]
        columns = ("score", "mean", "± deviation", "lowest", "highest", *(f"seed {seed}" for seed in pool.seeds))
        rows = []
        for key in OVERALL:
            s = pool.spreads[key]
            each = [points(member.intervals[key].value) for member in members]
            rows.append([METRICS[key].title, points(s.mean), points(s.deviation), points(s.low), points(s.high), *each])
        note = "Runs whose recipes are equal but for seed and name, on the same training data. Deviation: of a sample (n − 1)."
        tables.append(table(f"Seeds: {pool.side.name}", columns, rows, note))
    return tables


def differences(comparison: Comparison) -> Section:
    """Every pair in every overall score, and label by label."""
    tables: list[Table | Figure] = []
    for pair in comparison.pairs:
        first, second = comparison.sides[pair.first].name, comparison.sides[pair.second].name
        rows: list[Row] = [
            [
                METRICS[key].title,
                signed(d.interval.value),
                f"{signed(d.interval.low)} to {signed(d.interval.high)}",
                p_text(d.p),
                p_text(d.p_adjusted),
                Cell(d.verdict, STYLES[d.verdict]),
            ]
            for key, d in pair.differences.items()
        ]
        columns = ("score", "difference", "95% interval", "p", "p, Holm", f"{second} is")
        tables.append(table(f"{second} minus {first}", columns, rows))
        by_name: list[Row] = [
            [METRICS[key].title, Cell(signed(i.value), _leaning(i)), f"{signed(i.low)} to {signed(i.high)}"]
            for key, i in pair.by_name.items()
        ]
        note = "Without a test: with so many looks some intervals miss zero by chance."
        tables.append(
            table(f"{second} minus {first}, label by label", ("score", "difference", "95% interval"), by_name, note, True)
        )
    return Section("differences", "Differences", (_method(comparison),) if tables else (), tuple(tables))


def _method(comparison: Comparison) -> Cell:
    sampling, number = comparison.settings.sampling, len(comparison.pairs)
    corrected = f"; Holm's correction over the {number} pairs" if number > 1 else ""
    return Cell(
        f"Points of F1. Interval: percentile bootstrap over articles ({sampling.resamples:,} samples, both sides on the same "
        f"ones). p: paired approximate randomisation over articles, two-sided{corrected}. “Better” and “worse” want "
        f"p < {sampling.alpha:g}{' after the correction' if corrected else ''} and an interval on one side of zero.",
        "quiet",
    )


def _leaning(interval: Interval) -> Style:
    return "better" if interval.low > 0 else "worse" if interval.high < 0 else ""


# Scores


def mentions(comparison: Comparison) -> Section:
    """Strict scores by label, seen and unseen."""
    results = comparison.results
    parts = [
        _scores_table("F1 by label, strict", comparison, LABELS, [r.evaluation.entities for r in results]),
        _precision_table("Precision and recall by label", comparison, LABELS, [r.evaluation.entities for r in results]),
    ]
    return Section("mentions", "Mentions", (), tuple(parts))


def relations(comparison: Comparison) -> Section:
    """Scores by type, end to end and with gold mentions."""
    results = comparison.results
    end_to_end, given = [r.evaluation.relations for r in results], [r.evaluation.relations_gold for r in results]
    parts = [
        _scores_table("F1 by type, end to end", comparison, RELATIONS, end_to_end),
        _scores_table("F1 by type, gold mentions given", comparison, RELATIONS, given),
        _precision_table("Precision and recall by type, end to end", comparison, RELATIONS, end_to_end),
        _precision_table("Precision and recall by type, gold mentions given", comparison, RELATIONS, given),
    ]
    said = Cell(
        "End to end, a relation counts when its type and both mentions are right. With gold mentions given, only the relation "
        "head is tested; the gap between the two is what the tagger costs.",
        "quiet",
    )
    return Section("relations", "Relations", (said,), tuple(parts))


def _scores_table(title: str, comparison: Comparison, labels: Sequence[str], found: Sequence[Scores]) -> Table:
    rows: list[Row] = []
    for label in labels:
        scores = [part.by_name[label] for part in found]
        if any(score.support or score.predicted for score in scores):
            rows.append([label, str(scores[0].support), *_f1_cells(scores)])
    rows.append(["micro", str(found[0].micro.support), *_f1_cells([part.micro for part in found])])
    macros = [part.macro_f1 for part in found]
    rows.append(["macro", "", *best(macros, [points(macro) for macro in macros])])
    return table(title, ("", "gold", *comparison.names), rows)


def _f1_cells(scores: Sequence[Score]) -> list[Cell]:
    return best([score.f1 for score in scores], [points(score.f1) for score in scores])


def _precision_table(title: str, comparison: Comparison, labels: Sequence[str], found: Sequence[Scores]) -> Table:
    columns = ["", *(f"{name}: {what}" for name in comparison.names for what in ("P", "R"))]
    rows: list[Row] = []
    for label in (*labels, "micro"):
        scores = [part.micro if label == "micro" else part.by_name[label] for part in found]
        if any(score.support or score.predicted for score in scores):
            rows.append([label, *(points(number) for score in scores for number in (score.precision, score.recall))])
    return table(title, columns, rows, folded=True)


def groups(comparison: Comparison) -> Section:
    """Where it is strong and where weak."""
    results = comparison.results
    names = comparison.names
    parts = _seen_tables(comparison)
    said = () if parts else (Cell("The data folder has no train.jsonl: seen and unseen names are not told apart.", "quiet"),)
    parts.extend(_group_tables("length", names, [result.lengths for result in results]))
    parts.extend(_group_tables("genre", names, [result.genres for result in results]))
    return Section("groups", "Seen and unseen, length, genre", said, tuple(parts))


def _seen_tables(comparison: Comparison) -> list[Table]:
    results, names = comparison.results, comparison.names
    if not results[0].seen:
        return []
    seen: list[Row] = [
        [name, str(results[0].seen[name].support), *_f1_cells([r.seen[name] for r in results])] for name in (SEEN, UNSEEN)
    ]
    arguments: list[Row] = [
        [name, str(results[0].arguments[name].support), *_f1_cells([r.arguments[name] for r in results])] for name in ARGUMENTS
    ]
    return [
        table("Mentions F1, names seen and not seen in training", ("label and surface", "gold", *names), seen),
        table("Relations F1, by whether training has the names", ("names", "gold", *names), arguments),
    ]


def _group_tables(title: str, names: Sequence[str], found: Sequence[Mapping[str, GroupScore]]) -> list[Table]:
    if not found[0]:
        return []
    note = "Groups of a few articles say little." if any(group.articles < 5 for group in found[0].values()) else ""
    tables = []
    for what, kind in (("Mentions", "entities"), ("Relations", "relations")):
        rows: list[Row] = [
            [name, str(found[0][name].articles), *_f1_cells([getattr(part[name], kind) for part in found])] for name in found[0]
        ]
        tables.append(table(f"{what} F1 by {title} of the article", ("", "articles", *names), rows, note))
    return tables


# Errors


def errors(comparison: Comparison) -> Section:
    """Classes of errors, confusion, surfaces."""
    results, names = comparison.results, comparison.names
    mention_counts = [mention_classes(r.outcomes) for r in results]
    relation_counts = [relation_classes(r.outcomes) for r in results]
    parts = [
        table(
            "Classes of mention errors",
            ("class", *names),
            [
                [kind, *best([c[kind] for c in mention_counts], [str(c[kind]) for c in mention_counts], True)]
                for kind in MENTION_ERRORS
            ],
            "boundary: right label, other edges · label: right edges · both: overlap only · missed: no answer overlaps it · "
            "spurious: overlaps no gold mention.",
        ),
        table(
            "Classes of relation errors, end to end",
            ("class", *names),
            [
                [kind, *best([c[kind] for c in relation_counts], [str(c[kind]) for c in relation_counts], True)]
                for kind in RELATION_ERRORS
            ],
            "wrong type: same arguments · wrong argument: same type, one argument or the direction wrong · argument not found: "
            "the tagger has no such mention in the sentence · missed: both arguments found · spurious: none of these.",
        ),
    ]
    for result in results:
        name = result.entrant.name
        parts.append(_confusion_table(f"Confusion of labels: {name}", label_confusion(result.outcomes), len(results) > 1))
        parts.append(_confusion_table(f"Confusion of relation types: {name}", relation_confusion(result.outcomes), True))
        surfaces: list[Row] = [[w.gold, w.answer, w.kind, str(w.count)] for w in wrong_surfaces(result.outcomes, _SURFACES)]
        columns = ("annotated", "answered", "class", "times")
        parts.append(table(f"Most frequent wrong mentions: {name}", columns, surfaces, folded=True, prose=True))
    return Section("errors", "Errors", (), tuple(parts))


def _confusion_table(title: str, confusion: Confusion, folded: bool) -> Table:
    rows: list[Row] = []
    for index, name in enumerate((*confusion.names, "spurious")):
        total = max(1, int(confusion.values[index].sum()))
        cells = [
            Cell(str(count), "best" if column == index else "quiet" if not count else "", int(count) / total)
            for column, count in enumerate(confusion.values[index])
        ]
        if index == len(confusion.names):
            cells[-1] = Cell("")
        rows.append([name, *cells])
    note = "Rows are annotated, columns answered. The shade is the share of the row."
    return table(title, ("annotated", *confusion.names, "missed"), rows, note, folded)


# The rest


def calibrations(comparison: Comparison) -> Section:
    """Reliability of the scores, and what leaving out the unsure buys."""
    panels = {
        "Mentions": [r.mention_calibration for r in comparison.results],
        "Relations, end to end": [r.relation_calibration for r in comparison.results],
    }
    rows: list[Row] = []
    for index, name in enumerate(comparison.names):
        for title, found in panels.items():
            rows.append([f"{name}, {title.lower()}", *_calibration_cells(found[index])])
    columns = ("", "ECE", "mean score", "right", "answers")
    note = (
        "ECE: mean distance of score and accuracy over ten bins, weighted by the answers in them, in points. A wrong mention "
        "counts against its relations, which the score of a model without calibration knows nothing of."
    )
    figure = reliability(comparison.names, panels)
    parts = (figure, table("Expected calibration error", columns, rows, note), *_curves(comparison))
    return Section("calibration", "Calibration", (), parts)


def _curves(comparison: Comparison) -> list[Table | Figure]:
    panels = {
        "Mentions": [r.mention_curve for r in comparison.results],
        "Relations, end to end": [r.relation_curve for r in comparison.results],
    }
    parts: list[Table | Figure] = [precision_recall(comparison.names, panels, SHOWN)]
    note = "Answers with a lower score are left out, and the relations of such mentions: predict(…, min_score=…)."
    columns = ["min_score", *(f"{name}: {what}" for name in comparison.names for what in ("P", "R", "F1", "answers"))]
    for title, curves in panels.items():
        rows: list[Row] = []
        for step in SHOWN:
            found = [at(curve, step) for curve in curves]
            cells = [[points(s.precision), points(s.recall), points(s.f1), str(s.predicted)] for s in found]
            rows.append([f"{step:g}", *(cell for part in cells for cell in part)])
        parts.append(table(f"{title}, by min_score", columns, rows, note))
    return parts


def _calibration_cells(found: Calibration) -> list[str]:
    return [points(found.error), points(found.confidence), points(found.accuracy), str(found.number)]


def costs(comparison: Comparison) -> Section:
    """Speed, size, training cost and curves."""
    results, names = comparison.results, comparison.names
    speed: list[Row] = [
        [
            "milliseconds an article, median",
            *best([r.speed.median for r in results], [f"{r.speed.median:.0f}" for r in results], True),
        ],
        ["milliseconds an article, 90th percentile", *(f"{r.speed.slow:.0f}" for r in results)],
        [
            "characters a second, batched",
            *best([r.speed.characters_per_second for r in results], [f"{r.speed.characters_per_second:,.0f}" for r in results]),
        ],
        ["measured on", *(r.speed.where for r in results)],
        ["megabytes", *best([r.size.bytes for r in results], [f"{r.size.bytes / 1e6:.1f}" for r in results], True)],
        ["parameters", *best([r.size.parameters for r in results], [f"{r.size.parameters / 1e6:.2f} M" for r in results], True)],
    ]
    cost: list[Row] = [
        ["minutes", *(_known(r.cost.minutes) for r in results)],
        ["epochs", *(_known(r.cost.epochs) for r in results)],
        ["optimiser steps", *(_known(r.cost.steps) for r in results)],
        ["windows seen", *(_known(r.cost.windows) for r in results)],
        ["machine", *(r.cost.machine or NOTHING for r in results)],
    ]
    note = "Size is what has to be shipped: weights, tokenizer, settings."
    busy = [result.entrant.name for result in results if result.speed.load > _BUSY]
    if busy:
        note += f" Other work kept the machine busy while {', '.join(busy)} was timed: measure again with --fresh on an idle one."
    parts: list[Table | Figure] = [
        table("Speed and size", ("", *names), speed, note),
        table("Training cost", ("", *names), cost, "The minutes of a checkpoint inside a run are not known."),
    ]
    curves = training_curves(comparison.logs)
    if curves is not None:
        parts.insert(0, curves)
    return Section("cost", "Training, speed and size", (), tuple(parts))


def _known(number: float | None) -> str:
    return NOTHING if number is None else f"{number:,g}" if isinstance(number, float) else f"{number:,}"


def recipes(comparison: Comparison) -> Section:
    """What differs between the recipes, and where each entrant comes from."""
    names = comparison.names
    differing = [row for row in comparison.recipes if row.differs]
    parts = []
    if len(names) > 1 and differing:
        parts.append(table("Recipes: what differs", ("setting", *names), _settings(differing), prose=True))
    if comparison.recipes:
        parts.append(table("Recipes, resolved", ("setting", *names), _settings(comparison.recipes), folded=True, prose=True))
    rows: list[Row] = [["recipe", *(r.recipe or NOTHING for r in comparison.results)], *_settings(comparison.provenance)]
    parts.append(table("Provenance", ("", *names), rows, prose=True))
    said = [] if not comparison.recipes or differing or len(names) == 1 else [Cell("The recipes are equal.")]
    return Section("provenance", "Recipes and provenance", tuple(said), tuple(parts))


def _settings(rows: Sequence[SettingRow]) -> list[Row]:
    return [[row.key, *(Cell(value or NOTHING, "unsure" if row.differs else "") for value in row.values)] for row in rows]
