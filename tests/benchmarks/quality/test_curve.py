from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.quality.articles import Articles
from benchmarks.quality.config import Curve

pytest.importorskip("matplotlib")
pytest.importorskip("pycrfsuite")

from benchmarks.quality.curve import plot, run_points, write_curve
from benchmarks.quality.table import Spread


def _curve(tmp_path: Path, articles: Articles) -> Curve:
    return Curve.model_validate(
        {
            "data": str(articles.folder),
            "results": str(tmp_path / "results"),
            "work": str(tmp_path / "work"),
            "seeds": [1, 2],
            "shares": [0.4, 1.0],
            "entrants": [{"name": "crf", "kind": "crf", "max_iterations": 20}],
        }
    )


def test_a_curve_from_training_to_the_plot(tmp_path: Path, articles: Articles) -> None:
    curve = _curve(tmp_path, articles)
    run_points(curve)
    names = sorted(path.name for path in (tmp_path / "results").glob("crf-*.json"))
    assert names == ["crf-100-1.json", "crf-40-1.json", "crf-40-2.json"]
    times = [path.stat().st_mtime_ns for path in sorted((tmp_path / "results").glob("crf-*.json"))]
    run_points(curve)
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "results").glob("crf-*.json"))] == times
    table = write_curve(curve)
    assert "| crf | 40% | 1 |" in table and "| crf | 100% | 3 |" in table
    first = (tmp_path / "results/mentions.svg").read_text()
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert not (tmp_path / "results/relations.svg").exists()
    write_curve(curve)
    assert (tmp_path / "results/mentions.svg").read_text() == first


def test_a_curve_takes_settled_settings(tmp_path: Path, articles: Articles) -> None:
    data = _curve(tmp_path, articles).model_dump()
    data["entrants"][0]["grid"] = {"c1": [0.1, 0.2]}
    with pytest.raises(ValueError, match="settled settings"):
        Curve.model_validate(data)


def test_labels_are_ascii() -> None:
    from benchmarks.quality.curve import Point  # noqa: PLC0415

    drawn = plot(
        [Point("a", "도시 link", 1.0, 10, Spread(0.5, None, 1), Spread(0.5, None, 1), None, Spread(0.5, None, 1), None)],
        "mentions",
    )
    assert drawn.isascii()
