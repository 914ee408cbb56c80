"""The measurements as a table: medians and their range over the repeats, ratios by pairs of one round."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np

from train.report import put_between, write_json

from .config import REFERENCES, Benchmark
from .measure import BUSY, Result, Timings, best

BEGIN = "<!-- speed: begin (written by `make bench-speed`) -->"
END = "<!-- speed: end -->"


def write_results(benchmark: Benchmark, results: Sequence[Result]) -> str:
    """Writes a JSON file a number of threads and the pages' sections; returns the Markdown."""
    for result in results:
        write_json(benchmark.results / f"threads-{result.threads}.json", asdict(result) | {"summary": summary(result)})
    markdown = tables(results)
    if benchmark.page is not None:
        put_between(benchmark.page, BEGIN, END, markdown)
    if benchmark.readme is not None:
        put_between(benchmark.readme, BEGIN, END, short_table(results[0]))
    return markdown


def summary(result: Result) -> dict[str, dict[str, Any]]:
    """By entrant: median, lowest and highest of each figure."""
    return {timings.entrant: _figures(result, timings) for timings in result.timings}


def _figures(result: Result, timings: Timings) -> dict[str, Any]:
    rates = [1 / seconds for seconds in timings.seconds]
    alone = [1000 * second for repeat in timings.single for second in repeat]
    figures: dict[str, Any] = {
        "sentences/s": _spread([result.sentences * rate for rate in rates]),
        "articles/s": _spread([result.articles * rate for rate in rates]),
        "characters/s": _spread([result.characters * rate for rate in rates]),
        "p50 ms": float(np.percentile(alone, 50)),
        "p95 ms": float(np.percentile(alone, 95)),
        "cpu share": median(p / s for p, s in zip(timings.processor, timings.seconds, strict=True)),
        "peak memory MB": timings.peak_memory / 1e6,
        "size MB": timings.bytes / 1e6,
    }
    if timings.cold:
        figures["cold start s"] = _spread(timings.cold)
    for name in REFERENCES:
        other = next((t for t in result.timings if t.entrant == name), None)
        if other is not None:
            figures[f"times {name}"] = _spread([b / a for a, b in zip(timings.seconds, other.seconds, strict=True)])
    return figures


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "lowest": min(values), "highest": max(values)}


def tables(results: Sequence[Result]) -> str:
    """All results in Markdown."""
    parts = []
    for result in results:
        parts += [f"### {_threads(result)}", "", *_warning(result), *_entrants(result), "", *_limit(result), ""]
    facts = results[0].facts
    parts += [
        ", ".join(f"{key} {value}" if key not in ("machine", "system") else str(value) for key, value in facts.items()) + "."
    ]
    return "\n".join(parts)


def short_table(result: Result) -> str:
    """What the README shows: speed and ratios on the first number of threads."""
    names = [name for name in REFERENCES if any(t.entrant == name for t in result.timings)]
    head = ["", "sentences/s", *(f"× {name}" for name in names), "one article, p50", "cold start"]
    rows = []
    for timings in result.timings:
        figures = _figures(result, timings)
        cold = f"{figures['cold start s']['median']:.1f} s" if timings.cold else "–"
        ratios = [f"{figures[f'times {name}']['median']:.2f}" for name in names]
        rows.append([timings.title, f"{figures['sentences/s']['median']:.0f}", *ratios, f"{figures['p50 ms']:.0f} ms", cold])
    return "\n".join(
        [
            f"{result.articles} articles, {_threads(result)}, {result.facts['machine']}.",
            "",
            *_warning(result),
            *_markdown(head, rows),
        ]
    )


def _entrants(result: Result) -> list[str]:
    names = [name for name in REFERENCES if any(t.entrant == name for t in result.timings)]
    head = ["", "sentences/s (range)", "articles/s", "characters/s", *(f"× {name} (range)" for name in names)]
    head += ["p50", "p95", "peak memory", "cold start (range)", "on disk"]
    rows = []
    for timings in result.timings:
        f = _figures(result, timings)
        row = [
            timings.title,
            _range(f["sentences/s"], 0),
            f"{f['articles/s']['median']:.1f}",
            f"{f['characters/s']['median']:,.0f}",
        ]
        row += [_range(f[f"times {name}"], 2) for name in names]
        row += [f"{f['p50 ms']:.0f} ms", f"{f['p95 ms']:.0f} ms", f"{f['peak memory MB']:.0f} MB"]
        row += [_range(f["cold start s"], 2) + " s" if timings.cold else "–", f"{f['size MB']:.1f} MB"]
        rows.append(row)
    read = f"{result.articles} articles, {result.sentences} sentences, {result.characters:,} characters"
    note = f"{read}; {len(result.peaks)} repeats."
    chosen = [f"Batch size of {t.entrant}: {t.batch_size}." for t in result.timings if t.batch_size]
    absent = [f"Not measured: {', '.join(result.missing)}."] if result.missing else []
    return [*_markdown(head, rows), "", " ".join([note, *chosen, *absent])]


def _limit(result: Result) -> list[str]:
    if result.operations is None or result.window_operations is None or not result.peaks:
        return []
    kinds = {"ours-fp32": "fp32", "torch": "fp32", "ours-int8": "int8", "torch-bf16": "bf16"}
    rows = []
    for timings in result.timings:
        kind = kinds.get(timings.entrant)
        if kind is not None:
            rate = result.operations / median(timings.seconds)
            rows.append(
                [
                    timings.title,
                    kind,
                    f"{rate / 1e9:.0f}",
                    f"{best(result, kind) / 1e9:.0f}",
                    f"{100 * rate / best(result, kind):.0f} %",
                ]
            )
    head = ["the limit", "type", "reached, 10⁹ operations/s", "machine's peak", "share"]
    note = (
        f"A window of 128 pieces takes {result.window_operations / 1e9:.2f} · 10⁹ operations, "
        f"all articles {result.operations / 1e9:.0f} · 10⁹. The seconds hold everything, from text to document."
    )
    return [*_markdown(head, rows), "", note]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


def _range(spread: dict[str, float], digits: int) -> str:
    return f"{spread['median']:.{digits}f} ({spread['lowest']:.{digits}f}–{spread['highest']:.{digits}f})"


def _threads(result: Result) -> str:
    return "one thread" if result.threads == 1 else f"{result.threads} threads"


def _warning(result: Result) -> list[str]:
    notes = []
    if result.facts["load at start"] > BUSY:
        notes.append(f"The machine was busy: others kept {result.facts['load at start']} cores at work at the start.")
    if result.threads > result.facts["usable cores"]:
        notes.append(f"Only {result.facts['usable cores']} core(s) could be used.")
    return [" ".join(notes), ""] if notes else []
