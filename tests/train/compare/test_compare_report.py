"""The report of two hand-made models: Markdown against the golden file, JSON, HTML, gate, pools.

To renew the golden file after a wanted change: GOLDEN=write python -m pytest tests/train/compare/test_compare_report.py
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from samples import GOLD, WEAK, answers_of, write_checkpoint, write_corpus, write_run

from model.runtime.errors import ConfigError
from train.compare.articles import script_json
from train.compare.comparison import Comparison, Settings, compare_answers, pair_findings
from train.compare.data import report_data
from train.compare.entrants import find_entrants
from train.compare.gate import judge, parse_condition
from train.compare.markdown import markdown
from train.compare.page import page
from train.compare.recipes import sides
from train.compare.sections import sections
from train.compare.statistics import Interval, Sampling
from train.compare.verdicts import sentences
from train.config import Recipe, TrainingConfig

GOLDEN = Path(__file__).parent / "golden.md"
HISTORY = [{"step": 10, "loss": 2.0}, {"step": 20, "loss": 1.0}, {"step": 20, "eval_entity_f1": 0.5, "eval_relation_f1": 0.25}]
MIXED = (GOLD[0], GOLD[1], WEAK[2], WEAK[3])


SETTINGS = Settings(data=Path("data"), sampling=Sampling(resamples=1_000))


@pytest.fixture
def comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """`weak` and `good|<b>`, and a second seed of the latter."""
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("data"))
    facts = {"commit": "abc", "seed": 13, "machine": "Linux", "threads": 1, "minutes": 2.5, "epochs": 18.0}
    weak = write_run(Path("runs/weak"), Recipe(name="weak"), facts)
    write_checkpoint(weak, 20, HISTORY)
    longer = TrainingConfig(epochs=50)
    write_run(Path("runs/good|<b>-13"), Recipe(name="good-13", training=longer), facts)
    write_run(Path("runs/good|<b>-14"), Recipe(name="good-14", seed=14, training=longer), facts | {"seed": 14})
    entrants = find_entrants(["runs/weak", "runs/good*"])
    given = [answers_of(WEAK, 0.9, 10.0), answers_of(GOLD, 0.95, 30.0), answers_of(MIXED, 0.8, 30.0)]
    return compare_answers(entrants, given, SETTINGS)


def test_markdown_is_the_golden_file(comparison: Comparison) -> None:
    text = markdown("A comparison", comparison, sections(comparison))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_seeds_are_one_side_with_their_spread(comparison: Comparison) -> None:
    assert [side.name for side in comparison.sides] == ["weak", "good|<b> (2 seeds)"]
    (pool,) = comparison.pools
    values = [result.intervals["entity_f1"].value for result in comparison.results[1:]]
    assert pool.seeds == (13, 14) and pool.spreads["entity_f1"].mean == pytest.approx(sum(values) / 2)
    assert comparison.side_intervals[1]["entity_f1"].value == pytest.approx(sum(values) / 2)


def test_four_articles_cannot_tell_much(comparison: Comparison) -> None:
    said = [cell.text for cell in sentences(comparison)]
    assert len(said) == 2 and all("annot tell" in text or " better than weak" in text for text in said)
    assert {difference.verdict for pair in comparison.pairs for difference in pair.differences.values()} >= {"cannot tell"}


def test_too_few_articles_are_said_instead_of_cannot_tell(here: Path) -> None:
    data = write_corpus(Path("data"))
    places = [write_run(Path("runs") / name, Recipe(name=name), {}) for name in ("weak", "good", "other")]
    given = [answers_of(bodies, 0.9, 10.0) for bodies in (WEAK, GOLD, MIXED)]
    settings = Settings(data=data, sampling=Sampling(1_000))
    two = compare_answers(find_entrants(places[:2]), given[:2], settings)
    assert [cell.text.split(": +")[0] for cell in sentences(two)] == [
        f"good against weak at {what}: 4 articles are too few for any verdict at this level (at least 6)"
        for what in ("mentions", "relations (end to end)")
    ]
    assert report_data("x", two)["pairs"][0]["differences"]["entity_f1"]["verdict"] == "too few articles"
    # Three pairs: Holm's correction asks for more.
    assert report_data("x", compare_answers(find_entrants(places), given, settings))["pairs"][0]["articles_needed"] == 7
    # Shuffles, not articles, are what is short.
    short = replace(settings, sampling=Sampling(resamples=10))
    said = sentences(compare_answers(find_entrants(places[:2]), given[:2], short))
    assert "10 shuffles are too few for any verdict at this level, name more with --resamples" in said[0].text


def test_json_holds_the_numbers(comparison: Comparison) -> None:
    data = json.loads(json.dumps(report_data("A comparison", comparison)))
    assert set(data["entrants"]) == {"weak", "good|<b>-13", "good|<b>-14"}
    assert data["entrants"]["good|<b>-13"]["evaluation"]["entities"]["micro"]["f1"] == 1.0
    assert data["pairs"][0]["differences"]["entity_f1"]["interval"]["value"] > 0
    assert data["training"]["weak"]["loss"] == [[10, 2.0], [20, 1.0]]


def test_page_escapes_everything_and_asks_for_nothing(comparison: Comparison) -> None:
    html = page("<i>title</i> </script>", comparison, sections(comparison))
    assert "<b>-13" not in html and "&lt;b&gt;-13" in html and "<i>title" not in html
    assert html.count("<script") == 2 and html.count("</script>") == 2
    addresses = re.findall(r'(?:src|href|action|srcset)\s*=\s*"([^"]*)"', html)
    assert addresses and all(address.startswith("#") for address in addresses)
    assert "@import" not in html and "url(http" not in html
    identifiers = re.findall(r'\bid="([^"]*)"', html)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(identifiers)


def test_script_json_is_safe_in_a_script_element() -> None:
    nasty = {"text": "</script><!--<script>\u2028\u2029&\ud800 부산"}
    text = script_json(nasty)
    assert not re.search(r"[<>&\u2028\u2029\ud800-\udfff]", text)
    assert json.loads(text) == nasty
    text.encode("utf-8")


# Which runs are seeds of one recipe


def run(name: str, recipe: Recipe, data: str = "x") -> str:
    return str(write_run(Path("runs") / name, recipe, {"train.jsonl sha256": data}))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def side_names(*places: str, pool: bool = True) -> list[str]:
    return [side.name for side in sides(find_entrants(places), pool)]


def test_only_seed_and_name_may_differ(here: Path) -> None:
    base = Recipe(name="a")
    one, two = run("a-13", base), run("a-14", base.model_copy(update={"seed": 14, "name": "b"}))
    other = run("c", base.model_copy(update={"threshold": 0.6}))
    elsewhere = run("d", base.model_copy(update={"seed": 15}), data="y")
    twice = run("e", base)
    assert side_names(one, two, other) == ["a (2 seeds)", "c"]
    assert side_names(one, two, other, pool=False) == ["a-13", "a-14", "c"]
    assert side_names(one, elsewhere) == ["a-13", "d"]
    # The same seed twice is no spread: the two are compared as they are.
    assert side_names(one, twice, other) == ["a-13", "e", "c"]
    # Nothing but seeds of one recipe: how do they differ?
    assert side_names(one, two) == ["a-13", "a-14"]


# The gate


def test_gate_fails_only_on_a_significant_loss_beyond_the_margin(comparison: Comparison) -> None:
    found = pair_findings(comparison, ["entity_f1", "entity_f1.CITY"])
    better, _ = found["entity_f1"]
    assert better.value > 0
    worse = Interval(-better.value, -better.high, -better.low)
    condition = parse_condition("entity_f1:0.005")
    assert judge([condition], {"entity_f1": (worse, 0.01)}, 0.05)[0].failed
    assert not judge([condition], {"entity_f1": (worse, 0.2)}, 0.05)[0].failed
    assert not judge([condition], {"entity_f1": (better, 0.01)}, 0.05)[0].failed
    assert not judge([parse_condition("entity_f1:0.99")], {"entity_f1": (worse, 0.01)}, 0.05)[0].failed
    assert str(judge([condition], {"entity_f1": (worse, 0.01)}, 0.05)[0]).startswith("FAIL  entity_f1: −")


@pytest.mark.parametrize("text", ["f1:0.1", "entity_f1:x", "entity_f1:-1", "entity_f1:1", "entity_f1:nan"])
def test_a_wrong_condition_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--fail-if-worse"):
        parse_condition(text)


def test_a_condition_without_a_margin() -> None:
    assert parse_condition("relation_f1.VISITS").margin == 0
