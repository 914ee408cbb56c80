"""Maps from scores to probabilities: identity, order, storage, and that nothing else of a document changes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime.calibration import IDENTITY, Platt, ScoreCalibration, calibration_from_dict
from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import ModelError
from model.runtime.schema import RELATIONS
from model.runtime.settings import FILE_NAME, ModelSettings, read_settings, write_settings
from model.runtime.windows import WindowSettings

DOCUMENT = Document(
    "a",
    "부산 도쿄",
    (Entity("T1", 0, 2, "CITY", "부산", 0.8), Entity("T2", 3, 5, "ORG", "도쿄")),
    (Relation("R1", "T1", "T2", "VISITS", 0.9), Relation("R2", "T1", "T2", "LOCATED_IN", 0.5)),
)
MAPS = ScoreCalibration({"CITY": Platt(0.5, -1.0)}, {"VISITS": Platt(2.0)})


def test_known_values() -> None:
    assert Platt(2.0)(0.9) == pytest.approx(0.81 / 0.82)
    assert Platt(1.0, 1.0)(0.5) == pytest.approx(0.7310586)


@given(score=st.floats(0, 1))
def test_the_identity_changes_not_a_bit(score: float) -> None:
    assert IDENTITY(score) == score


@given(first=st.floats(0, 1), second=st.floats(0, 1), slope=st.floats(1e-3, 1e3), intercept=st.floats(-1e3, 1e3))
def test_order_is_kept_and_probabilities_come_out(first: float, second: float, slope: float, intercept: float) -> None:
    low, high = sorted((first, second))
    found = Platt(slope, intercept)
    assert 0 <= found(low) <= found(high) <= 1


@given(probability=st.floats(0.01, 0.99), slope=st.floats(0.2, 5), intercept=st.floats(-3, 3))
def test_the_inverse_gives_the_score_of_a_probability(probability: float, slope: float, intercept: float) -> None:
    found = Platt(slope, intercept)
    score = found.inverse(probability)
    assert 0 <= score <= 1
    if 1e-5 < score < 1 - 1e-5:
        assert found(score) == pytest.approx(probability, abs=1e-6)
    assert IDENTITY.inverse(probability) == probability


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (1.0, float("inf"))])
def test_a_map_that_turns_scores_round_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ValueError, match="keeps the order"):
        Platt(slope, intercept)


def test_only_scores_with_a_map_change() -> None:
    mapped = MAPS(DOCUMENT)
    assert [e.score for e in mapped.entities] == [pytest.approx(Platt(0.5, -1.0)(0.8)), None]
    assert [r.score for r in mapped.relations] == [pytest.approx(Platt(2.0)(0.9)), 0.5]
    assert [replace(e, score=None) for e in mapped.entities] == [replace(e, score=None) for e in DOCUMENT.entities]


def test_settings_keep_the_maps(tmp_path: Path) -> None:
    settings = ModelSettings(
        WindowSettings(64, 8, 2, 3, 0), dict.fromkeys(RELATIONS, 0.5), {}, "a", calibration=MAPS, mention_thresholds={"CITY": 0.4}
    )
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings
    assert calibration_from_dict(MAPS.to_dict()) == MAPS


def test_an_older_folder_has_raw_scores(tmp_path: Path) -> None:
    write_settings(tmp_path, ModelSettings(WindowSettings(64, 8, 2, 3, 0), dict.fromkeys(RELATIONS, 0.5)))
    path = tmp_path / FILE_NAME
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["calibration"], data["mention_thresholds"]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert read_settings(tmp_path).mention_thresholds == {}
    maps = read_settings(tmp_path).calibration
    assert maps == ScoreCalibration() and maps(DOCUMENT) == DOCUMENT


@pytest.mark.parametrize(
    "damaged", [{"mentions": {}}, {"mentions": {"CITY": [1]}, "relations": {}}, [1], {"mentions": 3, "relations": {}}]
)
def test_damaged_maps_are_named(tmp_path: Path, damaged: object) -> None:
    write_settings(tmp_path, ModelSettings(WindowSettings(64, 8, 2, 3, 0), dict.fromkeys(RELATIONS, 0.5)))
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"calibration": damaged}), encoding="utf-8")
    with pytest.raises(ModelError, match="is damaged"):
        read_settings(tmp_path)
