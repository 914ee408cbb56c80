"""The rules that `test_validate` does not show, and the list of rows that were looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.runtime.errors import DataError
from train.data.__main__ import app
from train.data.advice import Advice, Reviewed, advise
from train.data.inline import parse_inline
from train.data.validate import Article


def article(body: str, name: str = "a") -> Article:
    parsed = parse_inline(f"source: 가\n---\n제목\n\n{body}\n", name, f"{name}.txt")
    return Article(parsed.document, "train", parsed.path, parsed.line_of)


def kinds(*bodies: str) -> list[str]:
    return [row.kind for row in advise([article(body, f"a{n}") for n, body in enumerate(bodies)])]


@pytest.mark.parametrize(
    ("kind", "bad", "good"),
    [
        ("edge", "북[부산시/C1]는", "북 [부산시/C1]는"),
        ("edge", "국민[체육/F1]교류", "국제[체육/F1]교류"),
        ("edge", "[CityNe/O1]t", "[CityNet/O1]t를".replace("t를", "를")),
        ("edge", "[수협(NFFC/O1]) 제주본부", "[수협/O1]([NFFC/O2]) 제주본부"),
        ("cooperation", "[부산시/C1]와 [대구시/C2]는 협약을 체결했다.", "[부산시/C1]와 [대구시/C2]는 협약을 체결하지 않았다."),
        (
            "cooperation",
            "[부산시/C1]와 [대구시/C2]는 손잡고 웃었다.",
            "[부산시/C1]와 [대구시/C2]는 손잡고 웃었다.\n> C1 COOPERATES_WITH C2",
        ),
        (
            "cooperation",
            "[경남/C1] [창원시/C2]는 [대구시/C3]와 협력하기로 했다.\n> C2 LOCATED_IN C1",
            "[경남/C1] [창원시/C2]는 협력하기로 했다.\n> C2 LOCATED_IN C1",
        ),
        ("apposition", "[고흥군/C1](군수 [공영민/P1])", "[고흥군/C1](군수 [공영민/P1])\n> P1 HEAD_OF C1"),
    ],
)
def test_rules(kind: str, bad: str, good: str) -> None:
    assert kinds(bad) == [kind]
    assert kinds(good) == []


def test_a_mention_at_the_beginning_of_a_line_is_no_odd_edge() -> None:
    assert kinds("넓힌다\n\n[부산시/C1]는") == []


def test_a_surface_inside_a_longer_word_is_not_bare() -> None:
    assert kinds("[서울/C1]과 [서울/C2]에서 서울글로벌센터") == []
    assert kinds("[서울/C1]과 [서울/C2]에서 서울에는") == ["bare"]


def test_what_is_mostly_bare_is_a_common_word_and_the_surest_comes_first() -> None:
    rows = advise([article("[수소/F1] [수소/F2] 수소 [산림/F3] 산림 [관광/F4] 관광 관광 관광")])
    assert [(row.subject, row.counts) for row in rows] == [("수소", "marked 2, bare 1"), ("산림", "marked 1, bare 1")]


def test_reviewed_rows_stay_away_until_the_sentence_changes(tmp_path: Path) -> None:
    def rows(tail: str) -> list[Advice]:
        return advise([article(f"[수소/F1] 협력.\n수소 산업{tail}.")])

    reviewed = Reviewed(tmp_path / "reviewed.tsv")
    assert len(reviewed.new(rows(""))) == 1
    reviewed.add(rows(""))
    again = Reviewed(tmp_path / "reviewed.tsv")
    assert again.new(rows("")) == []
    assert len(again.new(rows(" 육성"))) == 1


def test_a_broken_list(tmp_path: Path) -> None:
    (tmp_path / "reviewed.tsv").write_text("# ok\na\tb\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"reviewed\.tsv:2"):
        Reviewed(tmp_path / "reviewed.tsv")


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., list[str]]:
    path = tmp_path / "a.txt"
    path.write_text("source: 가\n---\n[수소/F1] 협력\n\n수소 산업\n", encoding="utf-8")

    def run(*options: str) -> list[str]:
        return CliRunner().invoke(app, ["check", str(path), "--folder", str(tmp_path), *options]).output.splitlines()

    return run


def test_the_command_lists_marks_and_hides(check: Callable[..., list[str]]) -> None:
    assert check("--advice")[1] == "to look at: bare 1; 0 of 1 looked at"
    check("--looked-at", "edge")
    assert check("--advice")[1] == "to look at: bare 1; 0 of 1 looked at"
    check("--looked-at", "bare")
    assert check("--advice")[0] == "to look at: nothing; 1 of 1 looked at"
    assert check("--all")[0].startswith("look: ")
