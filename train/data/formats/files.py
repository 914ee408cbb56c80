"""Reading files with one clear line for what cannot be read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model.runtime.errors import DataError


def read_text(path: Path) -> str:
    """UTF-8 text with its line ends and whatever else an offset may count; DataError names the file."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text") from None


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file, each with `file:line` for messages."""
    for number, line in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: not valid JSON ({error.msg} at column {error.colno})") from None
        if not isinstance(item, dict):
            raise DataError(f"{where}: expected a JSON object, found {type(item).__name__}")
        yield where, item
