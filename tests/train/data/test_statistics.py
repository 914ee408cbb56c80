"""Counts of the corpus, by hand."""

import sys
from pathlib import Path

import pytest

from model.runtime.document import write_jsonl
from model.runtime.errors import DataError, DosilinkError
from train.data.corpus import Corpus
from train.data.inline import parse_inline
from train.data.statistics import distributions, statistics_table, write_statistics

BODIES = {
    "train": [
        "[부산/C1]·[대구/C2], [수소/F1]\n> C1 COOPERATES_WITH C2\n> C1,C2 COOPERATES_IN F1\n",
        "[박/P1] 시장, [3일/D1] [대구/C1]로\n> P1 VISITS C1\n",
    ],
    "dev": ["소식 없음\n"],
    "test": ["가" * 1_234],
}


def fill(folder: Path) -> Corpus:
    corpus = Corpus(folder)
    for split, bodies in BODIES.items():
        write_jsonl(
            corpus.jsonl(split),
            [parse_inline(f"source: 가\n---\n{body}", f"{split}{n}", "a").document for n, body in enumerate(bodies)],
        )
    return corpus


def test_counts(tmp_path: Path) -> None:
    table = statistics_table(fill(tmp_path))
    assert [column.header for column in table.columns] == ["", "train", "dev", "test"]
    rows = {name: counts for name, *counts in zip(*(column.cells for column in table.columns), strict=True)}
    assert rows == {
        "articles": ["2", "1", "1"],
        "characters": ["21", "5", "1,234"],
        "PERSON": ["1", "0", "0"],
        "ORG": ["0", "0", "0"],
        "CITY": ["3", "0", "0"],
        "FIELD": ["1", "0", "0"],
        "DATE": ["1", "0", "0"],
        "mentions": ["6", "0", "0"],
        "HEAD_OF": ["0", "0", "0"],
        "MEMBER_OF": ["0", "0", "0"],
        "LOCATED_IN": ["0", "0", "0"],
        "VISITS": ["1", "0", "0"],
        "MEETS": ["0", "0", "0"],
        "COOPERATES_WITH": ["1", "0", "0"],
        "COOPERATES_IN": ["2", "0", "0"],
        "ON_DATE": ["0", "0", "0"],
        "relations": ["4", "0", "0"],
    }


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    fill(tmp_path).jsonl("dev").unlink()
    with pytest.raises(DataError, match=r"dev\.jsonl: cannot be read"):
        statistics_table(Corpus(tmp_path))


def test_distributions_by_hand(tmp_path: Path) -> None:
    splits = {split: fill(tmp_path).read(split) for split in BODIES}
    found = {d.name: d.values for d in distributions(splits)}
    assert found["article length"]["test"] == [1234]
    assert found["mentions per article"]["train"] == [3, 3]
    assert found["relations per sentence"]["train"] == [3, 1]
    # 부산·대구: 1; 부산–수소: 5; 대구–수소: 2; 박–대구: "박 시장, 3일 대구" 8 between.
    assert sorted(found["distance of related mentions"]["train"]) == [1, 2, 5, 8]


def test_the_page_and_the_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    splits = {split: fill(tmp_path).read(split) for split in BODIES}
    paths = write_statistics(splits, tmp_path / "out")
    assert [path.name for path in paths][:3] == ["statistics.md", "mentions-by-label.png", "relations-by-type.png"]
    assert len(paths) == 8
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[1:])
    text = paths[0].read_text(encoding="utf-8")
    assert "| CITY | 3 | 0 | 0 |" in text
    assert "| article length | test | 1 | 1234 | 1234 | 1234.0 | 1234 | 1234 |" in text
    assert "| not said | 4 |" in text


def test_without_matplotlib_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "matplotlib" or m == "train.data.plots"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(DosilinkError, match="plots need matplotlib"):
        write_statistics({"train": []}, tmp_path)
