"""Scores a run on a split: mentions, relations with gold mentions, relations end to end.

python -m train.evaluate runs/embedded --split test
python -m train.evaluate dist/dosilink-0.1.0-py3-none-any.whl --data my/articles
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from model.runtime.document import Document, write_jsonl
from model.runtime.errors import ConfigError
from model.runtime.predictor import Predictor

from .console import console, run
from .data.corpus import ANNOTATIONS, SPLITS, Corpus
from .metrics import Evaluation, entity_scores, relation_scores
from .provenance import file_sha256
from .report import evaluation_markdown, write_json, write_text

REPORTS = Path("reports")
SHOWN_DIGITS = 12
"""Of a file's SHA-256, in headings and JSON."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of a split: end to end, and relations with the gold mentions given."""

    end_to_end: list[Document]
    with_gold_mentions: list[Document]


def predict_split(predictor: Predictor, gold: Sequence[Document]) -> Predictions:
    """Both predictions, under the ids of the gold documents."""
    return Predictions(predict_end_to_end(predictor, gold), predict_with_gold_mentions(predictor, gold))


def predict_end_to_end(predictor: Predictor, gold: Sequence[Document]) -> list[Document]:
    """Mentions and relations of the texts, under the ids of the gold documents."""
    found = predictor.predict_iter(g.text for g in gold)
    return [Document(g.id, p.text, p.entities, p.relations, p.title, g.source, g.meta) for g, p in zip(gold, found, strict=True)]


def predict_with_gold_mentions(predictor: Predictor, gold: Sequence[Document]) -> list[Document]:
    """Relations between the gold mentions."""
    return list(predictor.relate_mentions((g.text, g.entities) for g in gold))


def score(gold: Sequence[Document], predictions: Predictions) -> Evaluation:
    """The evaluation of a split."""
    return Evaluation(
        documents=len(gold),
        entities=entity_scores(gold, predictions.end_to_end),
        relations=relation_scores(gold, predictions.end_to_end),
        relations_gold=relation_scores(gold, predictions.with_gold_mentions),
    )


def plain_name(path: str | Path) -> str:
    """The last part of a path as a part of a folder's name; empty when no plain character is left."""
    return re.sub(r"[^\w.@-]+", "-", Path(path).name).strip("-.")


def data_suffix(data: Path) -> str:
    """What the default output folder's name ends with, so that results on other data than the shipped one stand apart."""
    return "" if data.resolve() == ANNOTATIONS.resolve() else f"-{plain_name(data.resolve()) or 'data'}"


def check_split(data: Path, split: str) -> None:
    """ConfigError when the folder has no such split; says which it has."""
    corpus = Corpus(data)
    if not corpus.jsonl(split).is_file():
        there = [name for name in SPLITS if corpus.jsonl(name).is_file()]
        has = f"the splits of {data} are {', '.join(there)}" if there else f"{data} holds none of {', '.join(SPLITS)} (.jsonl)"
        raise ConfigError(f"--split {split}: {has}")


app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    place: Annotated[Path, typer.Argument(metavar="RUN", help="run, checkpoint, model folder, exported folder or wheel")],
    split: Annotated[str, typer.Option(help="train, dev or test")] = "test",
    data: Annotated[Path, typer.Option(help="folder with <split>.jsonl")] = ANNOTATIONS,
    output: Annotated[
        Path | None,
        typer.Option(
            help="folder for JSON, Markdown and predictions; default: RUN/evaluation, of what lies in no run "
            "reports/<name>-evaluation, on other data than the shipped one with the data folder's name behind it"
        ),
    ] = None,
) -> None:
    """Score a run on a split; prints the tables and writes them with the predictions."""
    check_split(data, split)
    gold = Corpus(data).read(split)
    with _opened(place) as (predictor, home):
        predictions = predict_split(predictor, gold)
    evaluation = score(gold, predictions)
    folder = output or home.with_name(home.name + data_suffix(data))
    digits = file_sha256(Corpus(data).jsonl(split))[:SHOWN_DIGITS]
    write_json(folder / f"{split}.json", {"split": split, "data": str(data), "data_sha256": digits, **asdict(evaluation)})
    markdown = evaluation_markdown(f"{split} of {data}, sha256 {digits}", evaluation)
    write_text(folder / f"{split}.md", markdown)
    write_jsonl(folder / f"{split}.predictions.jsonl", predictions.end_to_end)
    console.print(markdown, markup=False)
    console.print(f"written to {folder}", markup=False)


@contextmanager
def _opened(place: Path) -> Iterator[tuple[Predictor, Path]]:
    """What is to be scored, and the folder its scores go to on the shipped data."""
    from model import load

    from .compare.entrants import find_entrants, opened  # reads runs, whose code needs this module

    if not place.exists():
        yield load(place), place  # raises the error of a folder that is not there
        return
    (entrant,) = find_entrants([place])
    if entrant.kind == "checkpoint":
        assert entrant.run is not None
        home = entrant.run / f"evaluation-checkpoint-{entrant.step}"
    elif entrant.run is not None:
        home = entrant.run / "evaluation"
    else:
        home = REPORTS / f"{plain_name(entrant.name) or 'model'}-evaluation"
    with opened(entrant) as predictor:
        yield predictor, home


if __name__ == "__main__":
    run(app)
