"""This project, as `make train` runs it."""

import json
from collections.abc import Sequence
from pathlib import Path

from model import load
from model.runs import METRICS_FILE
from model.runtime.document import Document
from train.config import load_recipe
from train.run import train

from ..articles import Articles
from ..config import OursSettings
from ..measure import Fitted
from . import Found

_NAME = "run"


def fit(settings: OursSettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """Trains the recipe with the seed; an interrupted run goes on where it was, a finished one is taken as it is."""
    recipe = load_recipe(settings.config, [*settings.overrides, f"seed={seed}", f"name={_NAME}", f"data={articles.folder}"])
    run = folder / _NAME
    resumed = run.is_dir()
    if not (run / METRICS_FILE).is_file():
        train(recipe, folder, resume=resumed)
    predictor = load(run)

    def read(texts: Sequence[str]) -> list[Document]:
        return list(predictor.predict_iter(texts))

    def relate(documents: Sequence[Document]) -> list[Document]:
        return list(predictor.relate_mentions((d.text, d.entities) for d in documents))

    training = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    facts = {key: training[key] for key in ("epochs", "best checkpoint", "minutes") if key in training}
    return Fitted(training["parameters"], read=read, relate=relate, facts=facts | {"resumed": resumed})
