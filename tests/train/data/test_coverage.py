"""Goals and the page: counted by hand on a tiny corpus; the command's exit codes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.runtime.document import Document, write_jsonl
from model.runtime.errors import DataError
from train.data.__main__ import app
from train.data.cities import CityTable
from train.data.corpus import Corpus
from train.data.coverage import Goal, Survey, page, read_areas, survey
from train.data.inline import parse_inline

ARTICLES = {
    "train": "genre: press release\ndate: 2019-05-01\n---\n[부산시/C1], [하노이/C2]와 협력\n> C1 COOPERATES_WITH C2\n\n"
    "[박형준/P1] [부산/C1]시장은 [3일(화)/D1] [관광/F1]·[의료관광/F2] 협약을 맺었다.\n> P1 HEAD_OF C1\n> P1 ON_DATE D1",
    "dev": "---\n소식 없음\n\n부제\n\n▲ 끝.",
    "test": "date: 2001-01-01\n---\n[박형준/P1]과 [응우옌 반 꽝/P2] [하노이시/C1] 주석\n> P2 HEAD_OF C1",
}
CITIES = "name\tcountry\tlevel\twithin\talso\n부산\t한국\t광역시\t\t부산시\n하노이\t베트남\t\t\t\n"


def fill(folder: Path) -> Corpus:
    corpus = Corpus(folder)
    for split, source in ARTICLES.items():
        write_jsonl(corpus.jsonl(split), [parse_inline(f"source: 가\n{source}\n", split, "a").document])
    (folder / "coverage").mkdir()
    (folder / "coverage" / "cities.tsv").write_text(CITIES, encoding="utf-8")
    (folder / "coverage" / "fields.tsv").write_text("area\twords\nmedicine\t의료 보건\nculture\t관광\n", encoding="utf-8")
    return corpus


def test_what_is_found(tmp_path: Path) -> None:
    found = {(g.section, g.name): g.found for g in survey(fill(tmp_path)).goals()}
    expected = {
        ("Size", "articles"): 3,
        ("Size", "mentions"): 10,
        ("Size", "relations"): 4,
        ("Size", "CITY"): 4,
        ("Size", "HEAD_OF"): 1,
        ("Partners", "Korean local governments"): 1,
        ("Partners", "광역시"): 1,
        ("Partners", "foreign local governments"): 1,
        ("Partners", "their countries"): 1,
        ("Partners", "foreign names with 시"): 1,
        ("Partners", "foreign names without suffix"): 1,
        ("Persons", "different persons"): 2,
        ("Persons", "Korean names"): 1,
        ("Persons", "Vietnamese names"): 1,
        ("Persons", "Japanese names"): 0,
        ("Fields", "medicine"): 1,
        ("Fields", "culture"): 2,
        ("Dates", "bracketed weekdays"): 1,
        ("Genres", "press release"): 1,
        ("Genres", "years 1998–2026"): 2,
        ("Genres", "with sub-headline"): 1,
        ("Genres", "with noise"): 1,
        ("Hard cases", "the city inside a fused title"): 1,
        ("Splits", "persons of both train and test"): 1,
    }
    assert {key: found[key] for key in expected} == expected


def test_goals_are_met_from_below_and_from_above() -> None:
    assert Goal("a", "b", 10, 10, "").met and not Goal("a", "b", 10, 9, "").met
    assert Goal("a", "b", 0, 0, "", most=True).met and not Goal("a", "b", 0, 1, "", most=True).met
    text = page([Goal("Size", "x", 1000, 9, "how"), Goal("Size", "y", 0, 0, "how", most=True)])
    assert "| x | ≥ 1,000 | 9 | **missed** | how |" in text
    assert "| y | ≤ 0 | 0 |  | how |" in text
    assert "1 of 2 rows are met" in text


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["coverage", "--folder", str(folder), *arguments])
    return result.exit_code, result.output


def test_the_command_fails_for_missed_goals_and_writes_the_page(tmp_path: Path) -> None:
    fill(tmp_path)
    code, output = run(tmp_path)
    assert code == 1
    assert "missed: Splits: persons of both train and test: at most 0 wanted, 1 found" in output
    assert f"COVERAGE.md: is not what the corpus gives; run `python -m train.data coverage --write --folder {tmp_path}`" in output
    code, output = run(tmp_path, "--write")
    assert code == 1 and "is not what the corpus gives" not in output
    assert (tmp_path / "COVERAGE.md").read_text(encoding="utf-8").startswith("# Coverage")


def test_the_command_names_cities_that_the_table_lacks(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "coverage" / "cities.tsv").write_text("name\tcountry\tlevel\twithin\talso\n하노이\t베트남\n", encoding="utf-8")
    code, output = run(tmp_path)
    assert code == 1 and output.splitlines()[-3].endswith("cities.tsv: 부산, 부산시")


def test_all_met_and_current_is_exit_code_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    met = [goal for goal in survey(Corpus(tmp_path)).goals() if goal.met]
    monkeypatch.setattr(Survey, "goals", lambda self: met)
    run(tmp_path, "--write")
    assert run(tmp_path) == (0, f"{len(met)} of {len(met)} goals met\n")


def test_the_examples_of_a_rule(tmp_path: Path) -> None:
    fill(tmp_path)
    assert run(tmp_path, "--show", "the city inside a fused title") == (0, "부산시장\n")
    result = CliRunner().invoke(app, ["coverage", "--folder", str(tmp_path), "--show", "x"])
    assert isinstance(result.exception, DataError)


def test_broken_areas(tmp_path: Path) -> None:
    (tmp_path / "f.tsv").write_text("area\twords\nmedicine\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"f\.tsv:2: a row has an area"):
        read_areas(tmp_path / "f.tsv")
    with pytest.raises(DataError, match="cannot be read"):
        read_areas(tmp_path / "g.tsv")


def test_an_article_of_one_line_has_no_sub_headline() -> None:
    made = Survey({"train": [Document("a", "제목")], "dev": [], "test": []}, CityTable(()), {})
    assert next(g for g in made.goals() if g.name == "with sub-headline").found == 0
