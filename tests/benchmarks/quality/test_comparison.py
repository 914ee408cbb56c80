"""The comparison as it is run: finished results are passed over, changed ones are not, the tables hold what was measured."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.quality.__main__ import compare
from benchmarks.quality.articles import Articles, nested_share
from benchmarks.quality.config import Comparison, Curve, load_config
from benchmarks.quality.jobs import described, finished
from benchmarks.quality.measure import unseen_score
from benchmarks.quality.result import Result, read_result
from benchmarks.quality.table import BEGIN, END, Spread, spread, write_table
from model.runtime.document import Document, Entity, read_jsonl, write_jsonl
from model.runtime.errors import ConfigError, DataError

REPOSITORY = Path(__file__).parents[3]


def _comparison(tmp_path: Path, articles: Articles, recipe: list[str], **changes: object) -> Comparison:
    page = tmp_path / "quality.md"
    if not page.exists():
        page.write_text(f"# Title\n\n{BEGIN}\n{END}\n\nafter\n")
    settings = {
        "data": str(articles.folder),
        "results": str(tmp_path / "results"),
        "work": str(tmp_path / "work"),
        "page": str(page),
        "seeds": [1, 2],
        "entrants": [
            {"name": "ours", "kind": "ours", "config": str(REPOSITORY / "configs/random.yaml"), "overrides": recipe},
            {"name": "majority", "kind": "majority", "mentions": ["ours"]},
        ],
        **changes,
    }
    return Comparison.model_validate(settings)


def test_a_comparison_from_training_to_the_page(tmp_path: Path, articles: Articles, tiny_recipe: list[str]) -> None:
    comparison = _comparison(tmp_path, articles, tiny_recipe)
    compare(comparison)
    paths = sorted((tmp_path / "results").glob("*-?.json"))
    assert [path.name for path in paths] == ["majority-1.json", "majority-2.json", "ours-1.json", "ours-2.json"]
    ours = read_result(paths[2])
    assert ours.splits["test"].entities is not None and ours.splits["test"].relations_gold is not None
    assert list(read_result(paths[0]).splits["test"].relations) == ["ours"]
    assert ours.parameters > 1000 and ours.sentences_per_second > 0
    times = [path.stat().st_mtime_ns for path in paths]
    compare(comparison)
    assert [path.stat().st_mtime_ns for path in paths] == times
    table = write_table(comparison)
    page = (tmp_path / "quality.md").read_text()
    assert table in page and page.startswith("# Title") and page.endswith("after\n")
    expected = spread([read_result(path).splits["test"].entities.micro.f1 for path in paths[2:]])  # type: ignore[union-attr]
    assert expected.show() in table
    rows = {row["entrant"]: row for row in json.loads((tmp_path / "results/summary.json").read_text())["rows"]}
    assert rows["ours"]["figures"]["test.entities.micro"]["mean"] == expected.mean
    assert "test.entities.micro" not in rows["majority"]["figures"]


def test_other_settings_are_not_finished(tmp_path: Path, articles: Articles, tiny_recipe: list[str]) -> None:
    comparison = _comparison(tmp_path, articles, tiny_recipe, seeds=[1])
    compare(comparison, only=["ours"])
    assert isinstance(finished(comparison, comparison.entrant("ours"), 1, articles), Result)
    other = _comparison(tmp_path, articles, [*tiny_recipe, "training.epochs=1"], seeds=[1])
    assert finished(other, other.entrant("ours"), 1, articles) is None
    assert "ours (0 of 1)" in write_table(other)


def test_a_result_from_before_a_knob_counts_as_with_its_default(
    tmp_path: Path, articles: Articles, tiny_recipe: list[str]
) -> None:
    comparison = _comparison(tmp_path, articles, tiny_recipe, seeds=[1])
    compare(comparison, only=["ours"])
    path = tmp_path / "results/ours-1.json"
    result = json.loads(path.read_text())
    recipe = yaml.safe_load(result["settings"]["config"])

    def finished_with(changed: dict[str, object]) -> bool:
        settings = result["settings"] | {"config": yaml.safe_dump(changed)}
        path.write_text(json.dumps(result | {"settings": settings}))
        return finished(comparison, comparison.entrant("ours"), 1, articles) is not None

    assert finished_with({knob: value for knob, value in recipe.items() if knob != "mention_threshold"})
    assert not finished_with(recipe | {"mention_threshold": 0.4})
    assert not finished_with(recipe | {"a_knob_that_is_gone": 1})


def test_other_weights_under_the_same_name_are_not_finished(
    tmp_path: Path, articles: Articles, tiny_recipe: list[str], encoder_folder: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(encoder_folder, folder)
    comparison = _comparison(tmp_path, articles, [*tiny_recipe, f"encoder.name={folder}"], seeds=[1])
    compare(comparison, only=["ours"])
    ours = comparison.entrant("ours")
    assert finished(comparison, ours, 1, articles) is not None
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_dropout_prob": 0.3}))
    assert finished(comparison, ours, 1, articles) is None
    compare(comparison, only=["ours"])
    assert finished(comparison, ours, 1, articles) is not None and len(list((tmp_path / "work/ours").iterdir())) == 2


def test_relations_between_other_mentions_are_not_finished(tmp_path: Path, articles: Articles, tiny_recipe: list[str]) -> None:
    comparison = _comparison(tmp_path, articles, tiny_recipe, seeds=[1])
    compare(comparison)
    majority = comparison.entrant("majority")
    first = finished(comparison, majority, 1, articles)
    assert first is not None
    path = tmp_path / "work" / read_result(tmp_path / "results/ours-1.json").work / "test.jsonl"
    documents = list(read_jsonl(path))
    write_jsonl(path, [replace(document, entities=(), relations=()) for document in documents])
    assert finished(comparison, majority, 1, articles) is None
    compare(comparison, only=["majority"])
    again = finished(comparison, majority, 1, articles)
    assert again is not None and again.work != first.work
    path.unlink()
    assert finished(comparison, majority, 1, articles) == again


def test_a_relation_entrant_without_mentions_says_what_to_run(tmp_path: Path, articles: Articles, tiny_recipe: list[str]) -> None:
    with pytest.raises(ConfigError, match="run it first"):
        compare(_comparison(tmp_path, articles, tiny_recipe), only=["majority"])


def test_a_seed_that_is_not_configured_is_refused(tmp_path: Path, articles: Articles, tiny_recipe: list[str]) -> None:
    with pytest.raises(ConfigError, match="--seed 99: is not configured; there are 1, 2"):
        compare(_comparison(tmp_path, articles, tiny_recipe), seeds=[99])


def test_the_grid_is_tried_once_and_the_best_point_serves(tmp_path: Path, articles: Articles) -> None:
    pytest.importorskip("pycrfsuite")
    crf = {"name": "crf", "kind": "crf", "grid": {"max_iterations": [1, 40]}}
    comparison = _comparison(tmp_path, articles, [], entrants=[crf])
    compare(comparison)
    tuning = json.loads((tmp_path / "results/tuning/crf.json").read_text())["points"]
    assert [point["values"] for point in tuning] == [{"max_iterations": 1}, {"max_iterations": 40}]
    assert tuning[0]["dev"] < tuning[1]["dev"]
    result = read_result(tmp_path / "results/crf-1.json")
    assert result.settings["max_iterations"] == 40
    assert not (tmp_path / "results/crf-2.json").exists()
    assert len(list((tmp_path / "work/crf").iterdir())) == 2
    crf["grid"]["max_iterations"].append(60)  # type: ignore[index]
    compare(_comparison(tmp_path, articles, [], entrants=[crf]))
    assert len(json.loads((tmp_path / "results/tuning/crf.json").read_text())["points"]) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"entrants": [{"name": "a", "kind": "crf", "c3": 1}]}, "c3"),
        ({"entrants": [{"name": "a", "kind": "crf"}, {"name": "a", "kind": "crf"}]}, "share a name"),
        ({"entrants": [{"name": "a", "kind": "majority", "mentions": ["b"]}]}, "no entrant that finds mentions"),
        ({"entrants": [{"name": "a", "kind": "crf", "grid": {"c1": [-1]}}]}, "c1"),
        ({"entrants": [{"name": "a-1", "kind": "crf"}]}, "name"),
    ],
)
def test_a_bad_config_is_refused_with_its_reason(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(change))
    with pytest.raises(ConfigError, match=said):
        load_config(path, Comparison)


def test_the_shipped_configs_load() -> None:
    folder = REPOSITORY / "benchmarks/quality"
    for path in (folder / "encoders.yaml", folder / "variants.yaml"):
        assert all("config" in described(entrant) for entrant in load_config(path, Curve).entrants)
    kinds = {entrant.kind for entrant in load_config(folder / "config.yaml", Comparison).entrants}
    assert kinds == {"ours", "crf", "huggingface", "spacy", "markers", "majority"}
    assert load_config(folder / "curve.yaml", Curve).shares[-1] == 1


def test_unseen_mentions_are_those_whose_surface_training_never_had() -> None:
    def document(*names: str) -> Document:
        text = "부산 대구 광주"
        found = [Entity(f"T{n}", text.index(s), text.index(s) + 2, "CITY", s) for n, s in enumerate(names)]
        return Document("d", text, tuple(sorted(found, key=lambda e: e.start)))

    score = unseen_score([document("부산", "대구")], [document("부산", "광주")], {"부산"})
    assert (score.support, score.predicted, score.f1) == (1, 1, 0.0)
    assert unseen_score([document("대구")], [document("부산", "대구")], {"부산"}).f1 == 1.0


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "crf-1.json"
    path.write_text("{}")
    with pytest.raises(DataError, match="no result of this benchmark"):
        read_result(path)


def test_a_page_without_markers_is_refused(tmp_path: Path, articles: Articles) -> None:
    (tmp_path / "quality.md").write_text("nothing")
    with pytest.raises(ConfigError, match="lacks the marks"):
        write_table(_comparison(tmp_path, articles, []))


def test_spread() -> None:
    assert spread([0.8, 0.82]).show() == "0.810 ± 0.014"
    assert spread([0.8]) == Spread(0.8, None, 1)


def test_shares_are_nested(tmp_path: Path, articles: Articles) -> None:
    third = nested_share(articles, 1 / 3, 5, tmp_path / "a")
    two = nested_share(articles, 2 / 3, 5, tmp_path / "b")
    assert {d.id for d in third.train} < {d.id for d in two.train} < {d.id for d in articles.train}
    assert two.dev == articles.dev and two.test == articles.test
    assert nested_share(articles, 1.0, 5, tmp_path / "c") is articles


def test_one_clear_line_and_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", "--only", "nobody"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.startswith("error: no entrant is called nobody")
