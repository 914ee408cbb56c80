"""`python -m train.data`: check the annotated articles, compile them, look at them."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from model import load
from model.runtime.document import Document, read_jsonl, write_jsonl
from model.runtime.errors import DataError
from train.console import console, run
from train.report import evaluation_table, write_text

from . import validate
from .advice import REVIEWED, Kind, Reviewed, advise
from .agreement import agreement as measure
from .agreement import differences, paired, unpaired
from .cities import TABLE, CityTable, read_city_table
from .corpus import ANNOTATIONS, SPLITS, Corpus, inline_under, load_articles
from .coverage import PAGE, examples, page, survey
from .formats import (
    Choice,
    Form,
    Options,
    read_documents,
    source_format,
    target_format,
    write_documents,
    write_inline_folder,
    written_paths,
)
from .formats.build import refuse_equal_ids
from .formats.offsets import Unit
from .inline import inline_path, read_inline
from .links import link_scores, links_file, read_links
from .overlap import overlap, overlap_markdown
from .standoff import CORPUS, attach, corpus_files, detach, read_standoff, write_standoff
from .statistics import statistics_table, write_statistics
from .suggest import ORDER, suggest, unlabelled, write_suggestions

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Folder = Annotated[Path, typer.Option(help="folder that holds inline/<split>/ and <split>.jsonl")]
_LISTED = 5
LookedAt = Literal[Kind, "every"]
Force = Annotated[bool, typer.Option("--force", help="write over what is there")]


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="inline or JSON Lines files, or folders; none: the whole corpus")
    ] = None,
    folder: Folder = ANNOTATIONS,
    advice: Annotated[bool, typer.Option(help="also list places that want a second look and were not looked at")] = False,
    everything: Annotated[bool, typer.Option("--all", help="list those that were looked at too")] = False,
    looked_at: Annotated[LookedAt | None, typer.Option(help="list this kind of place (or `every`) as looked at")] = None,
) -> None:
    """Check annotations; each finding names file, line and what to do. Exit code 1 when there is an error."""
    if files and len(files) == 1 and Corpus(files[0]).has_inline():
        folder, files = files[0], None
    corpus = Corpus(folder)
    articles, findings = load_articles(_expanded(files) if files else corpus.inline_files())
    findings.extend(validate.check(articles))
    if not files:
        findings.extend([*corpus.unread(), *corpus.stale()])
    for finding in findings:
        console.print(f"error: {finding}", markup=False)
    if advice or everything or looked_at is not None:
        _advise(articles, Reviewed(folder / REVIEWED), everything, looked_at)
    console.print(f"{len(articles)} articles checked, {len(findings)} errors", markup=False)
    raise typer.Exit(1 if findings else 0)


def _expanded(files: list[Path]) -> list[Path]:
    return [path for file in files for path in (inline_under(file) if file.is_dir() else [file])]


def _advise(articles: list[validate.Article], reviewed: Reviewed, everything: bool, looked_at: str | None) -> None:
    rows = advise(articles)
    shown = rows if everything else reviewed.new(rows)
    for row in shown:
        console.print(f"look: {row}{f' ({row.counts})' if row.counts else ''}", markup=False)
    if looked_at is not None:
        reviewed.add([row for row in shown if looked_at in (row.kind, "every")])
    kinds = Counter(row.kind for row in shown)
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "nothing"
    console.print(f"to look at: {listed}; {len(rows) - len(reviewed.new(rows))} of {len(rows)} looked at", markup=False)


@app.command()
def compile(folder: Folder = ANNOTATIONS) -> None:
    """Compile inline/<split>/*.txt to <split>.jsonl."""
    corpus = Corpus(folder)
    counts = corpus.compile()
    for finding in corpus.unread():
        console.print(f"note: {finding}", markup=False)
    console.print(", ".join(f"{split}: {count} articles" for split, count in counts.items()))


@app.command()
def inline(
    source: Annotated[Path, typer.Argument(help="JSON Lines file")],
    target: Annotated[Path, typer.Argument(help="folder for one inline file an article")],
    force: Force = False,
) -> None:
    """Write the articles of a JSON Lines file in the inline form."""
    documents = list(read_jsonl(source))
    _refuse_existing([inline_path(document, target) for document in documents], force)
    for path in write_inline_folder(documents, target):
        console.print(str(path), markup=False)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="file or folder to read")],
    target: Annotated[Path, typer.Argument(help="file or folder to write")],
    source_form: Annotated[Form | None, typer.Option("--from", help="default: by the name of SOURCE")] = None,
    target_form: Annotated[Form | None, typer.Option("--to", help="default: by the name of TARGET")] = None,
    offsets: Annotated[Unit, typer.Option(help="what offsets of doccano files count")] = "utf-16",
    annotator: Annotated[str | None, typer.Option(help="Label Studio: whose annotation, by id or e-mail address")] = None,
    predictions: Annotated[bool, typer.Option("--predictions", help="Label Studio: take predictions too")] = False,
    force: Force = False,
) -> None:
    """Convert articles between the house's forms (jsonl, inline) and brat, Label Studio, doccano and CoNLL."""
    options = Options(offsets, Choice(annotator, predictions))
    read, written = source_form or source_format(source), target_form or target_format(target)
    _refuse_existing(written_paths(target, written), force)
    reading = read_documents(source, read, options)
    notes = [*reading.notes, *write_documents(reading.documents, target, written, options)]
    for note in notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"{len(reading.documents)} articles, {read} to {written}: {target}", markup=False)


TextFolder = Annotated[Path, typer.Option("--corpus", help="folder of the texts")]


@app.command("attach")
def attach_command(
    source: Annotated[Path, typer.Argument(help="stand-off annotations")],
    target: Annotated[Path, typer.Argument(help="JSON Lines file to write")],
    corpus: TextFolder = CORPUS,
    force: Force = False,
) -> None:
    """Put annotations that are kept without their texts together with the texts of a corpus folder."""
    _refuse_existing([target], force)
    documents = attach(read_standoff(source), corpus)
    write_jsonl(target, documents)
    console.print(f"{len(documents)} articles: {target}", markup=False)


@app.command("detach")
def detach_command(
    source: Annotated[
        Path, typer.Argument(help="annotated articles whose texts stand in the corpus: JSON Lines, or folder of inline files")
    ],
    target: Annotated[Path, typer.Argument(help="file of stand-off annotations to write")],
    corpus: TextFolder = CORPUS,
    pattern: Annotated[str, typer.Option(help="which files of the corpus to look in")] = "*.txt*",
    force: Force = False,
) -> None:
    """Write annotations without a word of the text, for articles that must not be passed on."""
    _refuse_existing([target], force)
    articles = detach(_documents(source), corpus, corpus_files(corpus, pattern))
    write_standoff(target, articles)
    console.print(f"{len(articles)} articles: {target}", markup=False)


def _refuse_existing(targets: list[Path], force: bool) -> None:
    """DataError when work that is there would be written over."""
    for target in targets:
        if not force and (any(target.iterdir()) if target.is_dir() else target.exists()):
            raise DataError(f"{target}: is there already; name another place, or --force to write over it")


@app.command()
def agreement(
    first: Annotated[Path, typer.Argument(help="inline file, folder of them, or JSON Lines file")],
    second: Annotated[Path, typer.Argument(help="the other annotator's, of the same ids")],
    show: Annotated[bool, typer.Option(help="list every difference")] = False,
) -> None:
    """Measure how far two annotators agree on the articles both have annotated."""
    sides = _documents(first), _documents(second)
    for side in sides:
        refuse_equal_ids(side)
    pairs = paired(*sides)
    if show:
        for difference in differences(pairs):
            console.print(str(difference), markup=False)
    measured = measure(pairs)
    console.print(evaluation_table("mentions, strict", measured.entities), markup=False)
    console.print(evaluation_table("relations", measured.relations), markup=False)
    for name, ids in zip(("first", "second"), unpaired(*sides), strict=True):
        if ids:
            more = ", …" if len(ids) > _LISTED else ""
            console.print(f"only in the {name}: {len(ids)} articles ({', '.join(ids[:_LISTED])}{more})", markup=False)
    console.print(f"{measured.documents} articles, Cohen's kappa over characters {measured.kappa:.3f}", markup=False)


def _documents(path: Path) -> list[Document]:
    if path.is_dir():
        return [read_inline(file).document for file in inline_under(path)]
    return [read_inline(path).document] if path.suffix.lower() == ".txt" else list(read_jsonl(path))


@app.command()
def statistics(
    folder: Folder = ANNOTATIONS,
    output: Annotated[Path | None, typer.Option(help="folder to write statistics.md and plots to (needs matplotlib)")] = None,
) -> None:
    """Count articles, mentions and relations a split; with --output also their distributions, as tables and plots."""
    corpus = Corpus(folder)
    console.print(statistics_table(corpus))
    if output is not None:
        for path in write_statistics({split: corpus.read(split) for split in SPLITS}, output):
            console.print(str(path), markup=False)


@app.command("suggest")
def suggest_command(
    model_path: Annotated[Path, typer.Argument(metavar="RUN", help="run or model folder")],
    files: Annotated[list[Path], typer.Argument(help="articles: .txt, one each, or .jsonl with a “text” a line")],
    output: Annotated[Path, typer.Option(help="folder to write inline/, label-studio.json and order.tsv to")],
    force: Force = False,
) -> None:
    """Annotate unlabelled articles with a trained model for a person to correct, most uncertain first."""
    _refuse_existing([output], force)
    documents = unlabelled(files)
    suggestions = suggest(load(model_path), documents)
    write_suggestions(suggestions, output, model_path.resolve().name)
    console.print(f"{len(suggestions)} articles in {output}; {output / ORDER} says in which order to correct them", markup=False)


@app.command("overlap")
def overlap_command(
    folder: Folder = ANNOTATIONS,
    show: Annotated[list[str] | None, typer.Option(help="labels whose shared surfaces are listed")] = None,
) -> None:
    """Say which persons, bodies, cities and fields of dev and test occur in train too."""
    corpus = Corpus(folder)
    cities = read_city_table(folder / TABLE) if (folder / TABLE).exists() else CityTable(())
    train = corpus.read("train")
    rows = {split: overlap(train, corpus.read(split), cities) for split in ("dev", "test")}
    console.print(overlap_markdown(rows, show or ["PERSON"]), markup=False)


@app.command("links")
def links_command(
    folder: Folder = ANNOTATIONS,
    split: Annotated[str, typer.Option(help="split with hand-written links in canonical/<split>.tsv")] = "dev",
) -> None:
    """Score the rules for full names (`Entity.canonical`) on gold mentions against hand-written links."""
    documents = Corpus(folder).read(split)
    links = read_links(links_file(folder, split), documents)
    scores, wrong = link_scores(documents, links)
    for row in wrong:
        console.print(str(row), markup=False)
    for name, found in scores.items():
        console.print(
            f"{name}: precision {found.precision:.3f}, recall {found.recall:.3f}, {found.support} mentions to link", markup=False
        )
    console.print(f"{len(links)} articles of {split}", markup=False)


@app.command()
def coverage(
    folder: Folder = ANNOTATIONS,
    write: Annotated[bool, typer.Option("--write", help="write COVERAGE.md anew")] = False,
    show: Annotated[str | None, typer.Option(help="list what the rule of this hard case finds")] = None,
) -> None:
    """Compare the corpus with its plan. Exit code 1 when a goal is missed, a city is not in the table or COVERAGE.md is old."""
    found = survey(Corpus(folder))
    if show is not None:
        for example in examples(found.documents, show):
            console.print(example, markup=False)
        return
    goals, uncovered = found.goals(), found.uncovered()
    text, path = page(goals), folder / PAGE
    chosen = "" if folder == ANNOTATIONS else f" --folder {shlex.quote(str(folder))}"
    if write:
        write_text(path, text)
    missed = [goal for goal in goals if not goal.met]
    problems = [f"missed: {goal}" for goal in missed]
    if uncovered:
        problems.append(f"not in {folder / TABLE}: {', '.join(uncovered)}")
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        problems.append(f"{path}: is not what the corpus gives; run `python -m train.data coverage --write{chosen}`")
    for problem in problems:
        console.print(problem, markup=False)
    console.print(f"{len(goals) - len(missed)} of {len(goals)} goals met", markup=False)
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    run(app)
