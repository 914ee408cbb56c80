"""Hand-written full names: the shipped files fit the corpus, the rules reach them, broken files are named."""

from pathlib import Path

import pytest

from model.runtime.errors import DataError
from train.data.corpus import ANNOTATIONS, Corpus
from train.data.inline import parse_inline
from train.data.links import link_scores, links_file, read_links

HEADER = "article\tlabel\tmention\tcanonical\n"
BODY = "source: 가\n---\n제목\n\n[김철수/P1] [부산/C1]시장이 왔다.\n[김/P1] 시장은 [부산시/C1]로 갔다.\n"
DOCUMENTS = [parse_inline(BODY, "a", "a.txt").document]


@pytest.mark.parametrize(("split", "articles", "recall"), [("dev", 32, 0.97), ("test", 14, 0.95)])
def test_the_rules_reach_what_was_written_down(repository: Path, split: str, articles: int, recall: float) -> None:
    documents = Corpus(repository / ANNOTATIONS).read(split)
    links = read_links(links_file(repository / ANNOTATIONS, split), documents)
    scores, wrong = link_scores(documents, links)
    assert len(links) == articles
    assert scores["all"].precision >= 0.99 and scores["all"].recall >= recall, wrong


def test_wrong_and_missed_links_count(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text(HEADER + "a\tPERSON\t김\t김철수\na\tCITY\t부산시\t부산\n", encoding="utf-8")
    scores, wrong = link_scores(DOCUMENTS, read_links(path, DOCUMENTS))
    assert (scores["PERSON"].precision, scores["PERSON"].recall) == (1.0, 1.0)
    # The rule links 부산 to 부산시, the file says the opposite: one wrong link, one missed.
    assert (scores["CITY"].precision, scores["CITY"].recall) == (0.0, 0.0)
    assert scores["all"].support == scores["all"].predicted == 2
    assert {str(w) for w in wrong} == {
        "a: CITY “부산” stands for “부산”, found “부산시”",
        "a: CITY “부산시” stands for “부산”, found “부산시”",
    }


def test_an_article_without_links_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text(HEADER + "a\t\t\t\n", encoding="utf-8")
    scores, _ = link_scores(DOCUMENTS, read_links(path, DOCUMENTS))
    assert (scores["all"].predicted, scores["all"].support, scores["all"].precision) == (2, 0, 0.0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("b\tPERSON\t김\t김철수\n", ":2: expected an article"),
        ("a\tPERSON\t김\n", ":2: expected an article"),
        ("a\tPERSON\t박\t김철수\n", ":2: a has no PERSON “박”"),
        ("a\tORG\t김\t김철수\n", ":2: a has no ORG “김”"),
        ("a\tPERSON\t김\t김\n", ":2: “김” is linked twice or to itself"),
        ("a\tPERSON\t김\t김철수\na\tPERSON\t김\t김철수\n", ":3: “김” is linked twice"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_links(path, DOCUMENTS)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_links(tmp_path / "dev.tsv", DOCUMENTS)
    (tmp_path / "dev.tsv").write_text("a\n", encoding="utf-8")
    with pytest.raises(DataError, match=":1: the columns are"):
        read_links(tmp_path / "dev.tsv", DOCUMENTS)
