"""Scores a run on a split: mentions, relations with gold mentions, relations end to end.

python -m train.evaluate runs/embedded --split test
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from model.runs import model_folder
from model.runtime.document import Document, write_jsonl
from model.runtime.predictor import Predictor

from .console import console, run
from .data.corpus import ANNOTATIONS, Corpus
from .metrics import Evaluation, entity_scores, relation_scores
from .report import evaluation_markdown, write_json


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


app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="run or model folder")],
    split: Annotated[str, typer.Option(help="train, dev or test")] = "test",
    data: Annotated[Path, typer.Option(help="folder with <split>.jsonl")] = ANNOTATIONS,
    output: Annotated[
        Path | None, typer.Option(help="folder for JSON, Markdown and predictions; default: RUN/evaluation")
    ] = None,
) -> None:
    """Score a run on a split; prints the tables and writes them with the predictions."""
    from model import load

    gold = Corpus(data).read(split)
    predictions = predict_split(load(run_folder), gold)
    evaluation = score(gold, predictions)
    folder = output or model_folder(run_folder).parent / "evaluation"
    write_json(folder / f"{split}.json", asdict(evaluation))
    markdown = evaluation_markdown(split, evaluation)
    (folder / f"{split}.md").write_text(markdown, encoding="utf-8")
    write_jsonl(folder / f"{split}.predictions.jsonl", predictions.end_to_end)
    console.print(markdown, markup=False)
    console.print(f"written to {folder}", markup=False)


if __name__ == "__main__":
    run(app)
