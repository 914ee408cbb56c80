"""Scores as Markdown and JSON, against the written-out text."""

import json
from pathlib import Path

import pytest

from train.metrics import Evaluation, Score, Scores
from train.report import (
    SUMMARY_HEADER,
    evaluation_markdown,
    evaluations_dict,
    run_report,
    summary_rows,
    write_json,
    write_text,
)

NOTHING = Score(0.0, 0.0, 0.0, 0, 0)
EVALUATION = Evaluation(
    documents=12,
    entities=Scores(
        {"CITY": Score(0.75, 0.5, 0.6, 6, 4), "ORG": Score(0, 0, 0, 0, 1), "DATE": NOTHING}, Score(0.6, 0.5, 0.54545, 6, 5), 0.6
    ),
    relations=Scores({"VISITS": Score(0, 0, 0, 2, 0)}, Score(0.0, 0.0, 0.0, 2, 0), 0.0),
    relations_gold=Scores({"VISITS": Score(1, 0.5, 2 / 3, 2, 1)}, Score(1, 0.5, 2 / 3, 2, 1), 2 / 3),
)
# A label that is neither gold nor predicted has no row.
TABLES = """\
## dev (12 articles)

| Mentions, strict | P | R | F1 | gold |
|---|---|---|---|---|
| CITY | 0.750 | 0.500 | 0.600 | 6 |
| ORG | 0.000 | 0.000 | 0.000 | 0 |
| **micro** | 0.600 | 0.500 | 0.545 | 6 |
| macro | | | 0.600 | |

| Relations, end to end | P | R | F1 | gold |
|---|---|---|---|---|
| VISITS | 0.000 | 0.000 | 0.000 | 2 |
| **micro** | 0.000 | 0.000 | 0.000 | 2 |
| macro | | | 0.000 | |

| Relations, gold mentions given | P | R | F1 | gold |
|---|---|---|---|---|
| VISITS | 1.000 | 0.500 | 0.667 | 2 |
| **micro** | 1.000 | 0.500 | 0.667 | 2 |
| macro | | | 0.667 | |
"""


def test_evaluation_markdown() -> None:
    assert evaluation_markdown("dev", EVALUATION) == TABLES


def test_summary_has_a_row_a_split() -> None:
    rows = summary_rows({"dev": EVALUATION, "test": Evaluation(0, Scores(), Scores(), Scores())})
    assert rows == [("dev", "0.545", "0.600", "0.000", "0.667"), ("test", "0.000", "0.000", "0.000", "0.000")]
    assert all(len(row) == len(SUMMARY_HEADER) for row in rows)


def test_run_report() -> None:
    report = run_report("embedded", {"dev": EVALUATION}, {"commit": "abc", "seed": 13, "versions": {"torch": "2"}})
    # What has facts of its own stays in provenance.json.
    assert report == (
        "# embedded\n\n"
        "| split | mentions F1 | macro | relations F1 | with gold mentions |\n"
        "|---|---|---|---|---|\n"
        "| dev | 0.545 | 0.600 | 0.000 | 0.667 |\n\n"
        f"{TABLES}\n"
        "## Provenance\n\n"
        "- commit: abc\n"
        "- seed: 13\n"
    )


def test_metrics_json_reads_back(tmp_path: Path) -> None:
    write_json(tmp_path / "run" / "metrics.json", evaluations_dict({"dev": EVALUATION}))
    dev = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))["dev"]
    assert (
        Evaluation(
            dev["documents"],
            *(
                Scores(
                    {name: Score(**score) for name, score in part["by_name"].items()}, Score(**part["micro"]), part["macro_f1"]
                )
                for part in (dev["entities"], dev["relations"], dev["relations_gold"])
            ),
        )
        == EVALUATION
    )


def test_json_is_readable_korean_with_a_final_line_feed(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"도시": "부산"})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "도시": "부산"\n}\n'.encode()


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", "old\n")
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"good": 1, "bad": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "old\n"
