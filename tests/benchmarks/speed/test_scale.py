"""The table of costs: arithmetic, where its throughput comes from, the page it is written to."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.speed.scale import BEGIN, END, app, cost_table, duration, read_rate
from model.runtime.errors import DataError


def test_time_and_core_hours() -> None:
    table = cost_table(rate=50, kept=0.8, source="a test", articles=1_440_000, cores=(1, 5))
    assert "1,440,000 articles at 50.0 articles/s on one core (a test)" in table and "keeps 80.0%: 10 core-hours" in table
    assert table.splitlines()[-2:] == ["| 1 | 10.0 hours | 40 |", "| 5 | 2.0 hours | 200 |"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2, "2 seconds"), (600, "10.0 minutes"), (7_200, "2.0 hours"), (864_000, "10.0 days")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_the_page_gets_the_table_of_the_entrant(tmp_path: Path) -> None:
    results, page = tmp_path / "result.json", tmp_path / "scale.md"
    rates = {"int8": {"articles/s": {"median": 100}}, "fp32": {"articles/s": {"median": 50}}}
    results.write_text(json.dumps({"threads": 1, "summary": rates}))
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter")
    done = CliRunner().invoke(app, ["--results", str(results), "--entrant", "int8", "--page", str(page)])
    assert done.exit_code == 0, done.output
    written = page.read_text()
    assert written.startswith("before\n") and written.endswith("after") and "old" not in written
    assert "int8 in " in written and "| 1 | 11.6 days | 100 |" in written


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "no result"),
        ('{"threads": 1, "summary": []}', "no result"),
        ('{"threads": 1, "summary": {"fp32": {"articles/s": {"median": 9}}}}', "only fp32"),
        ('{"threads": 1, "summary": {"int8": {"articles/s": {"median": 0}}}}', "reads 0.0"),
        ('{"threads": 2, "summary": {"int8": {"articles/s": {"median": 9}}}}', "on 2 threads"),
        (None, "no result"),
    ],
)
def test_results_that_cannot_be_used(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=said):
        read_rate(path, "int8")


def test_a_source_is_needed(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--entrant", "int8", "--page", str(tmp_path / "scale.md")])
    assert isinstance(done.exception, DataError)
