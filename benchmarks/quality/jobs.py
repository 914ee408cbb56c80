"""One job: an entrant, its settings, a seed, the articles. Done once; what was done is found again by what it was made of."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from pydantic import ValidationError

from model.runtime.document import read_jsonl, write_jsonl
from model.runtime.errors import ConfigError
from train.config import Recipe, load_recipe, recipe_yaml
from train.console import console
from train.data.corpus import Corpus
from train.provenance import encoder_hash, provenance

from .articles import SCORED, Articles
from .config import Comparison, HuggingFaceSettings, MajoritySettings, MarkersSettings, OursSettings, Settings, grid_points
from .entrants import Found, fit
from .measure import measure
from .result import Result, read_result, result_path, write_result

_RESULT_FILE = "result.json"


def described(settings: Settings) -> dict[str, object]:
    """What a result depends on: the settings without name, title and grid, and a recipe by what it says instead of its path.

    Whether scores are calibrated is left out of the recipe: nothing that is measured here depends on it alone.
    """
    dump = settings.model_dump(mode="json", exclude={"name", "title", "grid"})
    if isinstance(settings, OursSettings):
        dump["config"] = _recipe_text(load_recipe(settings.config, [*settings.overrides, "seed=0", "name=any"]))
    return dump


def _recipe_text(recipe: Recipe) -> str:
    knobs = yaml.safe_load(recipe_yaml(recipe))
    del knobs["calibrate"]
    return yaml.safe_dump(knobs, allow_unicode=True, sort_keys=False)


def sources(settings: Settings, found: Found) -> dict[str, str]:
    """SHA-256 of what a result was made of besides settings and articles: an encoder's folder, other entrants' mentions."""
    if isinstance(settings, OursSettings):
        return encoder_hash(load_recipe(settings.config, settings.overrides).encoder.name)
    encoder = encoder_hash(settings.encoder) if isinstance(settings, HuggingFaceSettings | MarkersSettings) else {}
    return encoder | ({"mentions sha256": _digest(found)} if found else {})


def _digest(found: Found) -> str:
    whole = hashlib.sha256()
    for name in sorted(found):
        for split in SCORED:
            for document in found[name][split]:
                mentions = [(e.start, e.end, e.label) for e in document.entities]
                whole.update(json.dumps([name, split, document.id, mentions]).encode())
    return whole.hexdigest()


def job_folder(settings: Settings, seed: int, articles: Articles, made_of: Mapping[str, str]) -> Path:
    """The job's folder below the work folder; `made_of`: see `sources`."""
    key = json.dumps([described(settings), articles.digest(), dict(made_of)], sort_keys=True)
    return Path(settings.name) / f"{seed}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"


def run_job(comparison: Comparison, settings: Settings, seed: int, articles: Articles, redo: bool = False) -> Result:
    """Trains and measures, or finds what was measured before."""
    found = mentions_for(comparison, settings, seed, articles)
    made_of = sources(settings, found)
    place = job_folder(settings, seed, articles, made_of)
    folder = comparison.work / place
    if (folder / _RESULT_FILE).is_file() and not redo:
        return read_result(folder / _RESULT_FILE)
    if redo:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f"{settings.name}, seed {seed}: training in {folder}", markup=False)
    if comparison.threads:
        torch.set_num_threads(comparison.threads)
    started = time.monotonic()
    fitted = fit(settings, articles, seed, folder, found)
    # An interrupted run's own count has the part before, too.
    minutes = float(fitted.facts.get("minutes", (time.monotonic() - started) / 60))
    measured = measure(fitted, articles, found)
    for name, documents in measured.predictions.items():
        write_jsonl(folder / f"{name}.jsonl", documents)
    splits = {
        name: replace(scores, relations={source or settings.name: s for source, s in scores.relations.items()})
        for name, scores in measured.splits.items()
    }
    result = Result(
        entrant=settings.name,
        seed=seed,
        settings=described(settings),
        articles=articles.digest(),
        training_articles=len(articles.train),
        splits=splits,
        training_minutes=round(minutes, 2),
        training_threads=torch.get_num_threads(),
        sentences_per_second=round(measured.sentences_per_second, 1),
        parameters=fitted.parameters,
        work=str(place),
        facts=dict(fitted.facts),
        provenance=provenance(Corpus(articles.folder), seed) | made_of | {"load": _load()},
    )
    write_result(folder / _RESULT_FILE, result)
    return result


def mentions_for(comparison: Comparison, settings: Settings, seed: int, articles: Articles) -> Found:
    """What the entrants named by a relation entrant read, by entrant and split; empty for those that read themselves.

    Raises ConfigError when such an entrant has no finished result, or its predictions are gone.
    """
    if not isinstance(settings, MarkersSettings | MajoritySettings):
        return {}
    found = {}
    for name in settings.mentions:
        source = comparison.entrant(name)
        result = finished(comparison, source, seed_of(comparison, source, seed), articles)
        if result is None:
            raise ConfigError(
                f"{settings.name} reads the mentions of {name}, which is not finished; run it first (--only {name})"
            )
        paths = {split: comparison.work / result.work / f"{split}.jsonl" for split in SCORED}
        for path in paths.values():
            if not path.is_file():
                raise ConfigError(f"{path}: the predictions of {name} are gone; make them anew with --only {name} --redo")
        found[name] = {split: list(read_jsonl(path)) for split, path in paths.items()}
    return found


def seed_of(comparison: Comparison, settings: Settings, seed: int) -> int:
    """The seed under which the entrant's result for this seed stands: the first one where all give the same."""
    return comparison.seeds[0] if settings.deterministic else seed


def seeds_of(comparison: Comparison, settings: Settings) -> list[int]:
    """The seeds an entrant runs with."""
    return comparison.seeds[:1] if settings.deterministic else comparison.seeds


def finished(comparison: Comparison, settings: Settings, seed: int, articles: Articles) -> Result | None:
    """The result of an entrant and seed when it still holds, see there; mentions whose predictions are gone count as the same."""
    path = result_path(comparison.results, settings.name, seed)
    if not path.is_file():
        return None
    result = read_result(path)
    try:
        found = mentions_for(comparison, settings, seed, articles)
    except ConfigError:
        found = {}
    return result if holds(result, settings, articles, found) else None


def holds(result: Result, settings: Settings, articles: Articles, found: Found) -> bool:
    """Whether a result was made with settings of the entrant's grid, these articles, this encoder and these mentions.

    What an older result does not say of encoder and mentions counts as the same.
    """
    points = [described(point) for point in grid_points(settings)]
    if result.articles != articles.digest() or _with_new_knobs(result.settings) not in points:
        return False
    return all(result.provenance.get(name, value) == value for name, value in sources(settings, found).items())


def _with_new_knobs(settings: Mapping[str, object]) -> Mapping[str, object]:
    """What a result was made with, with the knobs its recipe has got since, at their defaults: those change nothing."""
    if "config" not in settings:
        return settings
    try:
        recipe = Recipe.model_validate(yaml.safe_load(str(settings["config"])))
    except ValidationError:  # it has a knob that is gone
        return settings
    return {**settings, "config": _recipe_text(recipe)}


def _load() -> float:
    """Jobs that wanted a core during the last minutes: what timings have to be read with."""
    return round(os.getloadavg()[1], 1)
