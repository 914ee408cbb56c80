"""Articles in Parquet read by a pool of Ray actors: one row out for each row in, whatever dies on the way.

A batch whose worker dies is read again: Ray Data restarts actors and retries their tasks without limit (`max_restarts` and
`max_task_retries` are -1 unless set), until for half an hour nothing has moved (`execution_no_progress_timeout_s`).
A job that dies as a whole goes on where it stopped: Ray Data's checkpoints (`ray.data.checkpoint`, written before and committed
after each output file) say which rows are written. A row is known by `row_hash`, made of its file's path and its place there,
because ids may be missing or not unique. At the end the rows of both sides are counted.

What is written has the mentions and relations of `Document.to_dict` as nested columns, which pandas, DuckDB and Spark read as
lists of structs without parsing.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
from pyarrow import fs
from ray.data.checkpoint import CheckpointConfig
from ray.data.exceptions import ExecutionTimeoutError, SystemException, UserCodeException

from . import WEIGHTS_FOLDER, __version__, load
from .batch_files import Done, Output, count_rows, first_line, list_input
from .document import Document
from .errors import DosilinkError

_SCORE = ("score", pa.float64())
_TEXT = pa.string()
ENTITIES: Final = pa.list_(
    pa.struct(
        [
            ("id", _TEXT),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("label", _TEXT),
            ("text", _TEXT),
            _SCORE,
            ("canonical", _TEXT),
        ]
    )
)
RELATIONS: Final = pa.list_(pa.struct([("id", _TEXT), ("head", _TEXT), ("tail", _TEXT), ("type", _TEXT), _SCORE]))
ROW: Final = "row_hash"
"""Ray's name for the column that tells rows apart, whatever their ids."""

# Reading and writing files need next to no CPU. Were they to ask for a whole one each, a pool of actors on all CPUs would wait
# for its input for ever (ray issue 44687).
_FILES_CPU: Final = 0.25
# Workers that may die in a row before one has come up: a machine short of memory, not a broken installation.
_INIT_DEATHS: Final = 3
# Logical CPUs left to the listing of files and, when a job is resumed, to the filter of finished rows.
_SPARE_CPUS: Final = 2


@dataclass(frozen=True)
class Job:
    """What is read and where it goes.

    `model`: an exported folder that every machine has under this path; None: the packed one. `block_bytes`: what a worker is
    handed at a time, by default some hundred articles, so that little is read again when it dies and small jobs have enough to
    share out.
    """

    input: str
    output: str
    model: Path | None = None
    id_column: str = "id"
    text_column: str = "text"
    workers: int | None = None
    batch_size: int = 256
    rows_per_file: int = 20_000
    block_bytes: int = 2**20


class Reader:
    """A worker: one predictor on one thread. Turns a batch of articles into as many rows, in their order."""

    def __init__(self, model: Path, id_column: str, text_column: str) -> None:
        os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
        self._predictor = load(model, threads=1)
        self._id_column = id_column
        self._text_column = text_column

    def __call__(self, batch: pa.Table) -> pa.Table:
        texts, errors = decode_texts(batch[self._text_column])
        readable = {row: text for row, text in enumerate(texts) if text is not None}
        documents = self._read(readable, errors)
        found = [documents[row].to_dict() if row in documents else {} for row in range(len(texts))]
        return pa.table(
            {
                "id": batch[self._id_column],
                "entities": pa.array([_named(item.get("entities")) for item in found], ENTITIES),
                "relations": pa.array([item.get("relations") for item in found], RELATIONS),
                "error": pa.array(errors, _TEXT),
                ROW: batch[ROW],
            }
        )

    def _read(self, texts: Mapping[int, str], errors: list[str | None]) -> dict[int, Document]:
        """Documents by row. When the batch as a whole fails, each article is read alone and only the bad one is reported."""
        try:
            return dict(zip(texts, self._predictor.predict(list(texts.values())), strict=True))
        except Exception:
            documents = {}
            for row, text in texts.items():
                try:
                    documents[row] = self._predictor.predict(text)
                except Exception as error:  # whatever it is, the other rows are not to be lost for it
                    errors[row] = f"{type(error).__name__}: {error}"
            return documents


def _named(entities: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Entities with `canonical` in every one: a column that is there only sometimes is a trap in SQL."""
    return None if entities is None else [{"canonical": item["text"]} | item for item in entities]


def decode_texts(column: pa.ChunkedArray) -> tuple[list[str | None], list[str | None]]:
    """Texts of a column and, where there is none, why. Binary columns are taken as UTF-8, as some writers store strings."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if any(
        check(kind)
        for check in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    ):
        # By bytes: one text that is not UTF-8 would make the conversion of the whole column fail.
        values = column.cast(kind).cast(pa.large_binary()).to_pylist()
    else:
        values = column.to_pylist()
    texts: list[str | None] = []
    errors: list[str | None] = []
    for value in values:
        text, error = _decode(value)
        texts.append(text)
        errors.append(error)
    return texts, errors


def _decode(value: Any) -> tuple[str | None, str | None]:
    if value is None:
        return None, "the text is missing"
    if not isinstance(value, bytes):
        return None, f"the text should be a string, found {type(value).__name__}"
    try:
        return value.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return None, f"the text is not UTF-8 (byte {error.start})"


@contextmanager
def ray_session(address: str | None = None, workers: int | None = None) -> Iterator[None]:
    """Ray for the time of a job: a cluster by its address, or this machine alone. One that is already there is left alone."""
    if ray.is_initialized():
        yield
        return
    try:
        if address is not None:
            ray.init(address=address)
        else:
            # Without a dashboard and without telling anybody of its use: a local job opens no connection to the outside.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            # Ray Data's 32 processes for the footers of Parquet files are meant for a cluster; one has 128 threads.
            os.environ.setdefault("RAY_DATA_PARQUET_FOOTER_NUM_ACTORS", "1")
            ray.init(address="local", num_cpus=(workers or _cores()) + _SPARE_CPUS, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DosilinkError(f"Ray cannot be reached at {address or 'this machine'}: {_first_line(error)}") from None
    try:
        yield
    finally:
        ray.shutdown()


def run_job(job: Job) -> Done:
    """Reads every article of the input into the output, on the Ray that is initialised (`ray_session`).

    Raises DataError when input or output cannot be used, ModelError for the model, DosilinkError when workers or machines failed
    more often than is retried; then the same job, run again, goes on where this one stopped.
    """
    model = (job.model or Path(__file__).parent / WEIGHTS_FOLDER).absolute()
    load(model, threads=1)  # a damaged model is one clear line here, and a page of Ray's in a worker
    filesystem, files = list_input(job.input)
    rows = count_rows(job.input, filesystem, files, (job.id_column, job.text_column))
    output = Output.open(job.output)
    output.claim(_fingerprint(job, model, filesystem, files))
    _execute(job, model, filesystem, files, output)
    done = output.count()
    if done.rows != rows:
        raise DosilinkError(
            f"{output.data}: holds {done.rows:,} rows for {rows:,} articles; is it on a disk that all machines share?"
        )
    output.publish()
    return done


def _execute(job: Job, model: Path, filesystem: fs.FileSystem, files: list[str], output: Output) -> None:
    context = ray.data.DataContext.get_current().copy()
    context.target_max_block_size = job.block_bytes
    context.target_min_block_size = min(context.target_min_block_size, job.block_bytes)
    context.max_consecutive_actor_init_deaths = _INIT_DEATHS
    context.enable_progress_bars = sys.stderr.isatty()
    context.checkpoint_config = CheckpointConfig(
        ROW, output.checkpoint, override_filesystem=output.filesystem, delete_checkpoint_on_success=False
    )
    free = max(1, int(ray.cluster_resources().get("CPU", 1)) - _SPARE_CPUS)
    pool = ray.data.ActorPoolStrategy(
        min_size=1, max_size=job.workers, initial_size=min(free, job.workers) if job.workers else free
    )
    with ray.data.DataContext.current(context):
        articles = ray.data.read_parquet(
            files, filesystem=filesystem, partitioning=None, include_row_hash=True, num_cpus=_FILES_CPU
        )
        try:
            articles.select_columns([job.id_column, job.text_column, ROW]).map_batches(
                Reader,
                fn_constructor_args=(model, job.id_column, job.text_column),
                batch_size=job.batch_size,
                batch_format="pyarrow",
                compute=pool,
                udf_modifying_row_count=False,
                num_cpus=1,
            ).write_parquet(
                output.data,
                filesystem=output.filesystem,
                min_rows_per_file=job.rows_per_file,
                ray_remote_args={"num_cpus": _FILES_CPU},
            )
        except (ray.exceptions.RayError, ExecutionTimeoutError, SystemException, UserCodeException) as error:
            raise DosilinkError(
                f"the job stopped: {_first_line(error)}; what is finished is kept (see {output.state}), "
                "the same command goes on from there"
            ) from error


def _fingerprint(job: Job, model: Path, filesystem: fs.FileSystem, files: list[str]) -> dict[str, str]:
    """What must be the same for a job to go on with what another has written."""
    listing = "\n".join(f"{info.path} {info.size}" for info in filesystem.get_file_info(files))
    weights = hashlib.sha256()
    for path in sorted(model.iterdir()):
        weights.update(path.name.encode() + path.read_bytes())
    return {
        "version": __version__,
        "model": weights.hexdigest(),
        "input": hashlib.sha256(listing.encode()).hexdigest(),
        "id column": job.id_column,
        "text column": job.text_column,
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: BaseException) -> str:
    """What is the matter, without the page of stack that Ray puts around it."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if isinstance(error, ray.exceptions.RayTaskError) and lines else first_line(error)
