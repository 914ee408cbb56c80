"""The batch job without a cluster: which files it reads, what a worker makes of a batch, whose output it goes on with."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs pip install 'dosilink[ray]'")

import pyarrow as pa
import pyarrow.parquet as pq

from model.runtime import distributed
from model.runtime.batch_files import Done, Output, list_input
from model.runtime.distributed import ENTITIES, RELATIONS, ROW, Job, Reader, decode_texts, run_job
from model.runtime.errors import DataError, ModelError
from model.runtime.predictor import Predictor

TEXTS = ["부산시는 3일 후쿠오카시를 방문했다.", "", "박형준 부산시장이 협약을 체결했다."]
PRINT = {"version": "1", "model": "a", "input": "b", "id column": "id", "text column": "text"}


@pytest.fixture
def predictor(tiny_predictor: Callable[..., Predictor], monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """In the place of an exported folder, which takes long to make."""
    tiny = tiny_predictor(threshold=0.3)
    monkeypatch.setattr(distributed, "load", lambda path, threads: tiny)
    return tiny


def _batch(texts: pa.Array, ids: pa.Array | None = None) -> pa.Table:
    rows = pa.array(range(len(texts)), pa.uint64())
    return pa.table({"id": rows if ids is None else ids, "text": texts, ROW: rows})


def test_a_worker_gives_the_documents_of_predict(predictor: Predictor) -> None:
    written = Reader(Path("weights"), "id", "text")(_batch(pa.array(TEXTS), pa.array(["a", None, "a"])))
    assert written["id"].to_pylist() == ["a", None, "a"] and written[ROW].to_pylist() == [0, 1, 2]
    assert written.schema.field("entities").type == ENTITIES and written.schema.field("relations").type == RELATIONS
    expected = [document.to_dict() for document in predictor.predict(TEXTS)]
    assert sum(len(item["relations"]) for item in expected) > 1
    named = [[{"canonical": entity["text"]} | entity for entity in item["entities"]] for item in expected]
    assert written["entities"].to_pylist() == named
    assert written["relations"].to_pylist() == [item["relations"] for item in expected]
    assert written["error"].to_pylist() == [None] * 3


def test_a_bad_text_costs_its_own_row_alone(predictor: Predictor) -> None:
    texts = pa.array([TEXTS[0].encode(), None, b"\xbd\xc3", TEXTS[2].encode()])
    written = Reader(Path("weights"), "id", "text")(_batch(texts)).to_pylist()
    assert [row["error"] for row in written] == [None, "the text is missing", "the text is not UTF-8 (byte 0)", None]
    assert [row["entities"] is None for row in written] == [False, True, True, False]
    assert [row["relations"] is None for row in written] == [False, True, True, False]


def test_an_article_that_cannot_be_read_costs_its_own_row_alone(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = predictor.network.encode

    def fail_for_short(batch: object) -> object:
        if batch.char_mask.sum(axis=1).min() < 5:  # type: ignore[attr-defined]
            raise MemoryError("too short")
        return encode(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(predictor.network, "encode", fail_for_short)
    written = Reader(Path("weights"), "id", "text")(_batch(pa.array([TEXTS[0], "가", TEXTS[2]]))).to_pylist()
    assert [row["error"] for row in written] == [None, "MemoryError: too short", None]
    assert written[0]["entities"] and written[2]["entities"] and written[1]["entities"] is None


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["가", None, "a"], pa.string()),
        pa.array(["가", None, "a"], pa.large_string()),
        pa.array(["가", None, "a"], pa.string_view()),
        pa.array(["가".encode(), None, b"a"], pa.binary()),
        pa.array(["가", None, "a"]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_every_kind_of_string_column(column: pa.Array) -> None:
    texts, errors = decode_texts(pa.chunked_array([column]))
    assert texts == ["가", None, "a"]
    assert errors == [None, "the text is missing", None]


@pytest.mark.parametrize(
    ("column", "said"),
    [(pa.array([7]), "found int"), (pa.array([["a"]]), "found list"), (pa.nulls(1), "is missing")],
    ids=["int", "list", "null"],
)
def test_what_is_no_text(column: pa.Array, said: str) -> None:
    ((text,), (error,)) = decode_texts(pa.chunked_array([column]))
    assert text is None and error is not None and said in error


def _write(path: Path, table: pa.Table | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table if table is not None else pa.table({"id": [1], "text": ["가"]}), path)
    return str(path)


def test_files_of_a_folder_a_pattern_a_file_and_a_url(tmp_path: Path) -> None:
    first, second = _write(tmp_path / "news/1.parquet"), _write(tmp_path / "news/2024/2.parquet")
    for hidden in ("_temporary/3.parquet", ".4.parquet", "_5.parquet"):
        _write(tmp_path / "news" / hidden)
    (tmp_path / "news/_SUCCESS").touch()
    assert list_input(f"{tmp_path}/news")[1] == [first, second]
    assert list_input(f"file://{tmp_path}/news/")[1] == [first, second]
    assert list_input(f"{tmp_path}/news/1*.parquet")[1] == [first]
    assert list_input(f"{tmp_path}/news/*/*.parquet")[1] == [second, f"{tmp_path}/news/_temporary/3.parquet"]
    assert list_input(first)[1] == [first]


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere", "no such file"), ("empty", "no Parquet"), ("empty/*.parquet", "no Parquet")]
)
def test_no_files(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=said):
        list_input(f"{tmp_path}/{name}")


def test_an_unknown_kind_of_url() -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        list_input("gopher://host/articles")


@pytest.mark.parametrize(
    ("content", "said"),
    [(pa.table({"id": [1], "body": ["가"]}), "no column “text”, only id, body; .* --text-column"), (None, "cannot be read as")],
)
def test_files_that_cannot_be_used(predictor: Predictor, tmp_path: Path, content: pa.Table | None, said: str) -> None:
    if content is not None:
        _write(tmp_path / "1.parquet", content)
    else:
        (tmp_path / "1.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=said):
        run_job(Job(str(tmp_path), str(tmp_path / "out")))
    assert not (tmp_path / "out").exists() and not (tmp_path / ".out.partial").exists()


def test_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        run_job(Job(str(tmp_path), str(tmp_path / "out"), tmp_path / "nowhere"))


def test_a_folder_that_holds_files_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    _write(tmp_path / "in/1.parquet")
    _write(tmp_path / "out/old.parquet")
    (tmp_path / "weights").mkdir()
    for output in (f"{tmp_path}/out", f"file://{tmp_path}/out"):
        with pytest.raises(DataError, match="already holds files"):
            run_job(Job(f"{tmp_path}/in", output, tmp_path / "weights"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.parquet"]


@pytest.mark.parametrize(("scheme", "also"), [("", ""), ("file://", " and .*/out")])
def test_another_jobs_rest_is_refused(tmp_path: Path, scheme: str, also: str) -> None:
    output = Output.open(f"{scheme}{tmp_path}/out")
    output.claim(PRINT)
    output.claim(PRINT)
    with pytest.raises(
        DataError, match=rf"\.out\.partial: was left by .* another model and text column; delete it{also} to start"
    ):
        output.claim(PRINT | {"model": "c", "text column": "body"})


def test_what_is_finished_appears_under_its_name(tmp_path: Path) -> None:
    output = Output.open(f"{tmp_path}/out")
    output.claim(PRINT)
    table = pa.table({"id": [1, 2], "error": [None, "the text is missing"]})
    pq.write_table(table, f"{output.data}/a.parquet")
    assert output.count() == Done(2, 1)
    (tmp_path / "out").mkdir()
    output.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and pq.read_table(tmp_path / "out").num_rows == 2


@pytest.mark.parametrize("name", ["/", "file:///", "s3://"])
def test_a_whole_disk_is_no_output(name: str) -> None:
    with pytest.raises(DataError, match="name a folder"):
        Output.open(name)
