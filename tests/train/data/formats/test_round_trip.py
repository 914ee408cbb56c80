"""The whole committed corpus, and awkward articles, through every form and back."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from model.runtime.document import Document, Entity, Relation, read_jsonl
from model.runtime.errors import DataError
from train.data.corpus import SPLITS
from train.data.formats import FORMATS, Options, read_documents, source_format, target_format, write_documents
from train.data.formats.offsets import Unit

TARGETS = {
    "jsonl": "a.jsonl",
    "inline": "a",
    "brat": "a",
    "label-studio": "a.json",
    "doccano": "a.jsonl",
    "conll": "a.conll",
}
DEFAULTS = Options()
AWKWARD = Document(
    id="emoji-1",
    text="🐱 𠮷野시, 다낭시와\n\n  협력 😀 수소. 둘째 문장(# 1)\n",
    entities=(
        Entity("T1", 2, 5, "CITY", "𠮷野시"),
        Entity("T2", 7, 10, "CITY", "다낭시"),
        Entity("T3", 20, 22, "FIELD", "수소"),
    ),
    relations=(Relation("R1", "T1", "T2", "COOPERATES_WITH"), Relation("R2", "T2", "T1", "VISITS")),
    title="🐱 𠮷野시, 다낭시와",
    source="시험 “따옴표”",
    meta={"genre": "a=b", "list": [1, {"가": None}]},
)


def through(documents: list[Document], form: str, folder: Path, options: Options = DEFAULTS) -> list[Document]:
    target = folder / TARGETS[form]
    write_documents(documents, target, form, options)
    return sorted(read_documents(target, form, options).documents, key=lambda d: d.id)


def without_relations(documents: list[Document]) -> list[Document]:
    return [replace(document, relations=()) for document in documents]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("form", FORMATS)
def test_the_corpus_comes_back_whole(repository: Path, tmp_path: Path, split: str, form: str) -> None:
    documents = sorted(read_jsonl(repository / "data" / "annotations" / f"{split}.jsonl"), key=lambda d: d.id)
    assert len(documents) >= 20
    expected = without_relations(documents) if form == "conll" else documents
    assert through(documents, form, tmp_path) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_characters_beyond_the_basic_plane_and_odd_white_space(tmp_path: Path, form: str) -> None:
    expected = without_relations([AWKWARD])[0] if form == "conll" else AWKWARD
    (back,) = through([AWKWARD], form, tmp_path)
    if form == "inline":  # the inline form orders relations by place
        assert {(r.head, r.type, r.tail) for r in back.relations} == {(r.head, r.type, r.tail) for r in AWKWARD.relations}
        back = replace(back, relations=AWKWARD.relations)
    assert back == expected


@pytest.mark.parametrize("unit", get_args(Unit))
def test_doccano_counts_what_it_is_told(tmp_path: Path, unit: str) -> None:
    assert through([AWKWARD], "doccano", tmp_path, Options(unit)) == [AWKWARD]  # type: ignore[arg-type]
    said = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert ('"start_offset": 3' in said) == (unit == "utf-16")


@pytest.mark.parametrize("form", FORMATS)
def test_an_article_without_mentions(tmp_path: Path, form: str) -> None:
    empty = Document("leer", "소식 없음", title="소식 없음")
    assert through([empty], form, tmp_path) == [empty]


@pytest.mark.parametrize("form", ["brat", "inline"])
def test_an_id_that_is_no_file_name_or_there_twice(tmp_path: Path, form: str) -> None:
    with pytest.raises(DataError, match="does not do as a file name"):
        through([Document("../x", "가")], form, tmp_path)
    with pytest.raises(DataError, match="two articles have this id"):
        through([Document("x", "가"), Document("x", "나")], form, tmp_path)
    assert not [name for name in tmp_path.parent.iterdir() if name.name.startswith("x")]


def test_scores_are_kept_or_missed_aloud(tmp_path: Path) -> None:
    scored = replace(AWKWARD, entities=(replace(AWKWARD.entities[0], score=0.5), *AWKWARD.entities[1:]))
    assert through([scored], "label-studio", tmp_path) == [scored]
    for form in ("brat", "doccano", "inline"):
        (note,) = write_documents([scored], tmp_path / form, form)
        assert "scores" in note


def test_forms_are_known_by_name_and_content(tmp_path: Path) -> None:
    for form, name in TARGETS.items():
        folder = tmp_path / form
        folder.mkdir()
        write_documents([AWKWARD], folder / name, form)
        assert source_format(folder / name) == form
    assert [target_format(Path(name)) for name in ("a.jsonl", "a.json", "a.conll")] == ["jsonl", "label-studio", "conll"]
    with pytest.raises(DataError, match="say --to and one of"):
        target_format(tmp_path)
    with pytest.raises(DataError, match="say --from and one of"):
        source_format(Path("a.xlsx"))
