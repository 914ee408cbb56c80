"""Agreement of two annotators on hand-made differences."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.runtime.document import Document
from model.runtime.errors import DataError
from train.data.__main__ import app
from train.data.agreement import agreement, differences, paired, unpaired
from train.data.inline import parse_inline

FIRST = (
    "source: x\n---\n[부산시/C1]는 [서울시/C2]와 [수소/F1] 협력에 나선다.\n> C1 COOPERATES_WITH C2\n> C1,C2 COOPERATES_IN F1\n"
)
SECOND = "source: x\n---\n[부산시/C1]는 [서울/C2]시와 [수소/F1] 협력에 나선다.\n> C1 COOPERATES_IN F1\n"


def _document(source: str, name: str = "a") -> Document:
    return parse_inline(source, name, "a.txt").document


def test_the_same_annotation_agrees_wholly() -> None:
    measured = agreement(paired([_document(FIRST)], [_document(FIRST)]))
    assert measured.entities.micro.f1 == measured.relations.micro.f1 == measured.kappa == 1.0


def test_hand_computed() -> None:
    pairs = paired([_document(FIRST)], [_document(SECOND), _document(SECOND, "b")])
    measured = agreement(pairs)
    assert measured.documents == 1
    assert measured.entities.micro.f1 == pytest.approx(2 / 3)
    assert measured.relations.micro.f1 == pytest.approx(2 * 1 * (1 / 3) / (1 + 1 / 3))
    # One character differs (시 of 서울시). The tags each uses, O, B-CITY, I-CITY, B-FIELD, I-FIELD, agree by chance as often as:
    length = len(_document(FIRST).text)
    outside = length - 8
    chance = (outside * (outside + 1) + 2 * 2 + 4 * 3 + 1 + 1) / length**2
    assert measured.kappa == pytest.approx(((length - 1) / length - chance) / (1 - chance))


def test_differences_name_side_and_sentence() -> None:
    found = {(d.side, d.what) for d in differences(paired([_document(FIRST)], [_document(SECOND)]))}
    assert found == {
        ("first", "CITY “서울시” at 5"),
        ("first", "COOPERATES_WITH(부산시, 서울시)"),
        ("first", "COOPERATES_IN(서울시, 수소)"),
        ("second", "CITY “서울” at 5"),
    }


def test_what_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="share no article"):
        paired([_document(FIRST)], [_document(FIRST, "b")])
    with pytest.raises(DataError, match=r"a: .*texts differ"):
        paired([_document(FIRST)], [_document(FIRST.replace("나선다", "나섰다"))])


def test_command_line(tmp_path: Path) -> None:
    for folder, source in (("one", FIRST), ("two", SECOND)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(source, encoding="utf-8")
    done = CliRunner().invoke(app, ["agreement", str(tmp_path / "one"), str(tmp_path / "two"), "--show"])
    assert done.exit_code == 0 and "only second: CITY “서울” at 5" in done.stdout and "1 articles, Cohen's kappa" in done.stdout


def _put(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def test_articles_that_only_one_has_are_named(tmp_path: Path) -> None:
    one, two = [_document(FIRST, name) for name in "axc"], [_document(SECOND, name) for name in "cbad"]
    assert unpaired(one, two) == (["x"], ["b", "d"])
    for name in ("a", "only"):
        _put(tmp_path / "one" / f"{name}.txt", FIRST)
    for name in ("a", *(f"b{n}" for n in range(6))):
        _put(tmp_path / "two" / f"{name}.txt", SECOND)
    done = CliRunner().invoke(app, ["agreement", str(tmp_path / "one"), str(tmp_path / "two")])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-3:-1] == [
        "only in the first: 1 articles (only)",
        "only in the second: 6 articles (b0, b1, b2, b3, b4, …)",
    ]


def test_single_files_and_folders_with_inline_inside(tmp_path: Path) -> None:
    for place in ("one/a.txt", "two/inline/a.txt", "three/inline/train/a.txt"):
        _put(tmp_path / place, FIRST)
    for first, second in (("one/a.txt", "two/inline/a.txt"), ("two", "one"), ("three", "two")):
        done = CliRunner().invoke(app, ["agreement", str(tmp_path / first), str(tmp_path / second)])
        assert done.exit_code == 0 and "only in" not in done.stdout and "kappa over characters 1.000" in done.stdout


def test_one_side_with_an_id_twice_is_refused(tmp_path: Path) -> None:
    for place in ("one/train/a.txt", "one/dev/a.txt", "two/a.txt"):
        _put(tmp_path / place, FIRST)
    done = CliRunner().invoke(app, ["agreement", str(tmp_path / "one"), str(tmp_path / "two")])
    assert "two articles have this id" in str(done.exception)
