"""Suggestions of a tiny model: order, files, and a way into the corpus."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from model.runtime.predictor import Predictor
from train.data.corpus import load_articles
from train.data.formats.label_studio import Choice, read_label_studio
from train.data.inline import read_inline
from train.data.suggest import suggest, uncertainty, unlabelled, write_suggestions
from train.data.validate import check

Build = Callable[..., Predictor]
TEXT = "부산시, 후쿠오카와 협력\r\n\r\n부산시는 3일\u00a0후쿠오카시를 방문해 수소 분야 협력을 논의했다. 끝.\n"


def test_uncertainty_is_the_mean_of_what_is_missing_to_one() -> None:
    document = Document("a", "부산", (Entity("T1", 0, 1, "CITY", "부", 0.9),), (Relation("R1", "T1", "T1", "VISITS", 0.5),))
    assert uncertainty(document) == pytest.approx(0.3)
    assert uncertainty(Document("a", "부산")) == 1


def test_files_and_json_lines_are_read_in_normal_form(tmp_path: Path) -> None:
    (tmp_path / "기사 1.txt").write_text(TEXT, encoding="utf-8", newline="")
    (tmp_path / "b.jsonl").write_text(
        '{"text": "가", "id": "x/1", "source": "s", "meta": {"k": 1}}\n{"text": "나"}\n', encoding="utf-8"
    )
    first, second, third = unlabelled([tmp_path / "기사 1.txt", tmp_path / "b.jsonl"])
    assert (first.id, first.title) == ("기사-1", "부산시, 후쿠오카와 협력")
    assert "\r" not in first.text and "\u00a0" not in first.text
    assert (second.id, second.source, second.meta, third.id) == ("x-1", "s", {"k": 1}, "b-2")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", "{}\n", "a.jsonl:1: an article is an object"),
        ("a.txt", " \n", "has no text"),
        ("a.jsonl", "[\n", "not valid JSON"),
    ],
)
def test_what_is_no_article(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        unlabelled([tmp_path / name])
    (tmp_path / "b.txt").write_text("가", encoding="utf-8")
    with pytest.raises(DataError, match="two articles have this id"):
        unlabelled([tmp_path / "b.txt", tmp_path / "b.txt"])


def test_what_is_written_can_be_corrected_and_compiled(tmp_path: Path, tiny_predictor: Build) -> None:
    texts = [TEXT, "두 도시는 2007년 자매결연을 맺었다.", "박형준 시장은 웃었다. 그는 갔다."]
    documents = [Document(f"d{n}", text.replace("\r\n", "\n").replace("\u00a0", " ").strip()) for n, text in enumerate(texts)]
    predictor = tiny_predictor(threshold=0.3, outside=0.5)
    suggestions = suggest(predictor, documents)
    values = [s.uncertainty for s in suggestions]
    assert values == sorted(values, reverse=True) and len(set(values)) == 3
    # The same road as everywhere: what `predict` gives is what is suggested.
    for suggestion in suggestions:
        alone = predictor.predict(suggestion.document.text)
        assert [(e.start, e.end, e.label) for e in suggestion.document.entities] == [
            (e.start, e.end, e.label) for e in alone.entities
        ]
    write_suggestions(suggestions, tmp_path, "tiny")
    ranks = [line.split("\t")[2] for line in (tmp_path / "order.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert ranks == [s.document.id for s in suggestions]
    tasks = json.loads((tmp_path / "label-studio.json").read_text(encoding="utf-8"))
    assert [t["data"]["id"] for t in tasks] == ranks
    assert [t["predictions"][0]["score"] for t in tasks] == sorted(t["predictions"][0]["score"] for t in tasks)
    back = read_label_studio(tmp_path / "label-studio.json", Choice(predictions=True)).documents
    for document in back:
        inline = read_inline(tmp_path / "inline" / f"{document.id}.txt").document
        assert inline.text == document.text and inline.meta["suggested_by"] == "tiny"
        assert [(e.start, e.end, e.label) for e in inline.entities] == [(e.start, e.end, e.label) for e in document.entities]
    articles, findings = load_articles(sorted((tmp_path / "inline").glob("*.txt")))
    assert len(articles) == 3 and findings == []
    # An untrained model's spans may be odd; they are readable, and no gold before somebody has corrected them.
    assert sum("still says suggested_by" in finding.message for finding in check(articles)) == 3
