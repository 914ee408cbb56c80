"""Articles, answers and run folders small enough to count by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from model.runtime.document import Document, write_jsonl
from model.runtime.schema import RELATIONS
from model.runtime.settings import ModelSettings, write_settings
from model.runtime.windows import WindowSettings
from train.compare.counts import Counts
from train.compare.predictions import Answers, Speed
from train.config import Recipe, recipe_yaml
from train.data.corpus import SPLITS
from train.data.inline import parse_inline
from train.evaluate import Predictions


def document(body: str, identifier: str = "a", genre: str = "", score: float | None = None) -> Document:
    """An article in the inline form; with `score`, as a prediction."""
    parsed = parse_inline(f"source: 가\n---\n{body}\n", identifier, "a.txt").document
    return replace(
        parsed,
        meta={"genre": genre} if genre else {},
        entities=tuple(replace(e, score=score) for e in parsed.entities),
        relations=tuple(replace(r, score=score) for r in parsed.relations),
    )


def counts(*articles: tuple[int, int, int]) -> Counts:
    """Counts of one name: hits, answers, gold items of each article."""
    return Counts(("X",), np.array(articles, dtype=np.float64).reshape(len(articles), 1, 3))


GOLD = (
    "[부산시/C1]와 [후쿠오카시/C2]는 [수소/F1] 분야에서 협력한다.\n> C1 COOPERATES_WITH C2\n> C1,C2 COOPERATES_IN F1\n",
    "[박형준/P1] [부산/C1]시장은 [3일/D1] [대구시/C2]를 방문했다.\n> P1 HEAD_OF C1\n> P1 VISITS C2\n> P1 ON_DATE D1\n",
    "[부산항만공사/O1]는 [하카타항/O2]과 [물류/F1] 협약을 맺었다.\n> O1 COOPERATES_WITH O2\n> O1,O2 COOPERATES_IN F1\n",
    "[서울/C1]과 [도쿄/C2]는 [2007년/D1] 자매결연을 맺었다.\n> C1 COOPERATES_WITH C2\n> C1,C2 ON_DATE D1\n",
)
WEAK = (
    "[부산시와/C1] [후쿠오카시/O2]는 [수소/F1] [분야/F2]에서 협력한다.\n> O2 COOPERATES_IN F1\n",
    "[박형준/P1] 부산시장은 [3일/D1] [대구/C2]시를 방문했다.\n> P1 ON_DATE D1\n> P1 MEMBER_OF C2\n",
    "부산항만공사는 [하카타항/C2]과 물류 협약을 맺었다.\n",
    "[서울/C1]과 [도쿄/C2]는 [2007년/D1] 자매결연을 맺었다.\n> C1 VISITS C2\n> C1 ON_DATE D1\n",
)
GENRES = ("press release", "interview", "press release with <b>bullets</b>", "something else")


def gold_articles() -> list[Document]:
    return [document(body, f"t{n}", genre) for n, (body, genre) in enumerate(zip(GOLD, GENRES, strict=True))]


def answers_of(bodies: Sequence[str], score: float, median: float) -> Answers:
    """Hand-made answers with one score for all and a made-up speed."""
    found = [document(body, f"t{n}", score=score) for n, body in enumerate(bodies)]
    given = [document(body, f"t{n}", score=score) for n, body in enumerate(GOLD)]
    return Answers(Predictions(found, given), Speed(median, 2 * median, 1_000.0, 4, "CPU, 1 thread", 0.1))


def write_corpus(folder: Path) -> Path:
    """The articles above as every split; training knows the first two only."""
    articles = gold_articles()
    for split in SPLITS:
        write_jsonl(folder / f"{split}.jsonl", articles[:2] if split == "train" else articles)
    return folder


def write_run(folder: Path, recipe: Recipe, provenance: dict[str, Any], parameters: int = 100) -> Path:
    """A run folder with everything but weights that mean something."""
    model = folder / "model"
    (model / "encoder").mkdir(parents=True)
    (model / "encoder" / "config.json").write_text("{}")
    (model / "tokenizer.json").write_text("{}")
    (model / "lexicon.json").write_text("{}")
    save_file({"weights": np.zeros(parameters, dtype=np.float32)}, model / "model.safetensors")
    write_settings(model, ModelSettings(WindowSettings(64, 8, 2, 3, 0), dict.fromkeys(RELATIONS, 0.5), {}, recipe.name))
    (folder / "config.yaml").write_text(recipe_yaml(recipe))
    (folder / "provenance.json").write_text(json.dumps(provenance))
    (folder / "metrics.json").write_text("{}")
    return folder


def write_checkpoint(run: Path, step: int, history: Sequence[dict[str, float]]) -> Path:
    """A kept checkpoint with the trainer's log."""
    folder = run / "checkpoints" / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    save_file({"weights": np.zeros(3, dtype=np.float32)}, folder / "model.safetensors")
    state = {"global_step": step, "epoch": step / 10, "log_history": list(history)}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    return folder
