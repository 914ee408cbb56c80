"""The files of a batch job: which ones are read, and how what is written comes to be seen.

Paths, and URLs that pyarrow knows. Nothing here needs Ray.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pyarrow import fs

from .errors import DataError

_SUCCESS = "_SUCCESS"
_JOB_FILE = "job.json"


@dataclass(frozen=True)
class Done:
    """Rows written, and how many of them say why they could not be read."""

    rows: int
    errors: int


def list_input(name: str) -> tuple[fs.FileSystem, list[str]]:
    """The Parquet files of a file, a folder (to any depth) or a pattern (`*` within a folder's name), sorted.

    In folders, what begins with `_` or `.` is passed over, as Spark and pyarrow do. DataError when there are none.
    """
    parts = (name if "://" in name else Path(name).as_posix()).split("/")
    wild = next((place for place, part in enumerate(parts) if "*" in part), None)
    base = "/".join(parts[:wild]) or ("/" if name.startswith("/") else ".")
    filesystem, root = _place(base)
    try:
        info = filesystem.get_file_info(root)
        if info.type == fs.FileType.File:
            return filesystem, [root]
        if info.type == fs.FileType.NotFound:
            raise DataError(f"{name}: there is no such file or folder")
        found = filesystem.get_file_info(fs.FileSelector(root, recursive=True))
    except OSError as error:
        raise DataError(f"{name}: cannot be listed ({first_line(error)})") from None
    below = {item.path: item.path[len(root.rstrip("/")) + 1 :].split("/") for item in found if item.type == fs.FileType.File}
    if wild is None:
        files = [path for path, names in below.items() if names[-1].endswith(".parquet") and not any(n[0] in "_." for n in names)]
    else:
        pattern = parts[wild:]
        files = [
            path
            for path, names in below.items()
            if len(names) == len(pattern) and all(fnmatchcase(n, p) for n, p in zip(names, pattern, strict=True))
        ]
    if not files:
        raise DataError(f"{name}: holds no Parquet files")
    return filesystem, sorted(files)


def count_rows(name: str, filesystem: fs.FileSystem, files: list[str], columns: Sequence[str]) -> int:
    """Rows of the input, by the files' footers; DataError for what is no Parquet or lacks the columns."""
    try:
        articles = pads.dataset(files, filesystem=filesystem, format="parquet")
        missing = [column for column in columns if column not in articles.schema.names]
        if missing:
            raise DataError(
                f"{name}: has no column “{missing[0]}”, only {', '.join(articles.schema.names)}; "
                "name the right ones with --id-column and --text-column"
            )
        return int(articles.count_rows())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{name}: cannot be read as Parquet ({first_line(error)})") from None


@dataclass(frozen=True)
class Output:
    """Where rows are written and how they come to be seen.

    A path: in `.NAME.partial/data` beside it, renamed at the end. A URL: in place, because object stores cannot rename; the file
    `_SUCCESS` is written last, as Hadoop and Spark do. `state` (`.NAME.partial` for both) holds what the job is and which rows
    are written.
    """

    filesystem: fs.FileSystem
    path: str
    state: str
    data: str
    renamed: bool

    @staticmethod
    def open(name: str) -> "Output":
        stem = name.rstrip("/")
        filesystem, path = _place(stem) if stem and not stem.endswith(":") else (fs.LocalFileSystem(), "")
        parent, _, last = path.rpartition("/")
        if not parent or not last:
            raise DataError(f"{name}: name a folder, not a whole disk or bucket")
        state = f"{parent}/.{last}.partial"
        renamed = "://" not in name
        return Output(filesystem, path, state, f"{state}/data" if renamed else path, renamed)

    @property
    def checkpoint(self) -> str:
        return f"{self.state}/checkpoint"

    def claim(self, fingerprint: dict[str, str]) -> None:
        """Makes the folders, or takes over those of the same job; DataError when something else is there."""
        try:
            there = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
            begun = self.filesystem.get_file_info(f"{self.state}/{_JOB_FILE}").type == fs.FileType.File
            if there and (self.renamed or not begun):
                raise DataError(f"{self.path}: already holds files; give a folder that is empty or does not exist")
            if begun:
                with self.filesystem.open_input_stream(f"{self.state}/{_JOB_FILE}") as stream:
                    left = json.loads(stream.read())
                if different := [key for key in fingerprint if left.get(key) != fingerprint[key]]:
                    raise DataError(
                        f"{self.state}: was left by a job with another {' and '.join(different)}; delete it"
                        f"{'' if self.renamed else f' and {self.path}'} to start afresh"
                    )
                return
            self.filesystem.create_dir(self.data, recursive=True)
            self.filesystem.create_dir(self.state, recursive=True)
            with self.filesystem.open_output_stream(f"{self.state}/{_JOB_FILE}") as stream:
                stream.write(json.dumps(fingerprint, indent=2).encode())
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path}: cannot be written ({first_line(error)})") from None

    def count(self) -> Done:
        """Rows written, from the files themselves."""
        written = self.filesystem.get_file_info(fs.FileSelector(self.data))
        files = [item.path for item in written if item.path.endswith(".parquet")]
        if not files:
            return Done(0, 0)
        rows = pads.dataset(files, filesystem=self.filesystem, format="parquet")
        return Done(int(rows.count_rows()), int(rows.count_rows(filter=pc.is_valid(pc.field("error")))))

    def publish(self) -> None:
        """Lets the finished rows be seen under their name and clears away what was needed to go on after an interruption."""
        if self.renamed:
            Path(self.data).replace(self.path)
            shutil.rmtree(self.state)
            return
        with self.filesystem.open_output_stream(f"{self.path}/{_SUCCESS}"):
            pass
        self.filesystem.delete_dir(self.state)


def _place(name: str) -> tuple[fs.FileSystem, str]:
    if "://" not in name:
        # Slashes on Windows too: all names here are cut and joined at them, as pyarrow's are.
        return fs.LocalFileSystem(), Path(name).absolute().as_posix()
    try:
        filesystem, path = fs.FileSystem.from_uri(name)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{name}: cannot be opened ({first_line(error)})") from None
    return filesystem, path


def first_line(error: BaseException) -> str:
    """What is the matter, without what stands below."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
