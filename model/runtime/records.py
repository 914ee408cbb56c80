"""Articles as records: one JSON object each, with an id, a text and whatever else it brings.

What a record brings beside id and text goes into the document: `source` (a string) and `meta` (an object) as they are, every
other key into `meta` under its own name, where `meta` does not have one already. `entities` and `relations` are made anew, and
`title` is the first line of the text, as the schema wants it; another title goes to `meta` too.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .canonical import first_line
from .document import Document
from .errors import DataError

LONGEST_LINE = 64 * 2**20
"""Bytes of a line. A longer one is no article but, say, a whole file as one JSON array; it is not held in memory."""

_MADE_ANEW = frozenset({"title", "entities", "relations", "source", "meta"})


@dataclass(frozen=True)
class Keys:
    """Under which keys a record has its id and its text."""

    id: str = "id"
    text: str = "text"


@dataclass(frozen=True)
class Record:
    """An article to read. `line` counts from 1, and is 0 for what comes from no file."""

    id: str
    text: str
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class BadRecord:
    """A line that is no article, or an article that could not be read."""

    line: int
    reason: str
    id: str | None = None


def record_from_dict(data: Any, keys: Keys | None = None, line: int = 0) -> Record:
    """A record from its JSON object. DataError when it has no id (a string or a whole number) or no text (a string)."""
    keys = keys or Keys()
    if not isinstance(data, dict):
        raise DataError(f"expected a JSON object, found {type(data).__name__}")
    record_id = _id(data.get(keys.id), keys.id)
    text = data.get(keys.text)
    if text is None:
        raise DataError(f"the key “{keys.text}” is missing; --text-key names another")
    if not isinstance(text, str):
        raise DataError(f"“{keys.text}” should be a string, found {type(text).__name__}")
    source, given = data.get("source"), data.get("meta")
    meta = {key: value for key, value in data.items() if key not in {keys.id, keys.text, *_MADE_ANEW}}
    if source is not None and not isinstance(source, str):
        meta["source"] = source
    headline = first_line(text)
    # Who cut a file of Windows at its newlines has the other half of the line break in the title.
    if keys.text != "title" and data.get("title") not in (None, "", headline, f"{headline}\r"):
        meta["title"] = data["title"]
    if isinstance(given, dict):
        meta |= given
    elif given is not None:
        meta["meta"] = given
    return Record(record_id, text, source if isinstance(source, str) else "", meta, line)


def _id(value: Any, key: str) -> str:
    if value is None or value == "":
        raise DataError(f"the key “{key}” is missing; --id-key names another" if value is None else f"“{key}” is empty")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"“{key}” should be a string or a whole number, found {type(value).__name__}")
    return str(value)


def parse_record(line: bytes, keys: Keys | None = None, number: int = 0) -> Record:
    """A record from a line of a JSON Lines file. DataError says what is wrong with it, without the place."""
    return record_from_dict(parse_json(line, number), keys, number)


def parse_json(line: bytes, number: int = 0) -> Any:
    """The value of a line of a JSON Lines file, of which the first one may begin with a byte order mark. DataError as above."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 (byte {error.start} of the line)") from None
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise DataError(f"not valid JSON ({error.msg} at column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"not valid JSON ({error})") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits} is too large")
    return number


def document_of(record: Record, document: Document) -> Document:
    """What was found in the record's text, as the record's document."""
    return replace(document, id=record.id, source=record.source, meta=record.meta)


_FORMS = (
    (b"%PDF", "is a PDF; take its text out first, e.g. with pdftotext"),
    ((b"\xff\xfe", b"\xfe\xff"), "is UTF-16; convert it, e.g. with iconv -f utf-16 -t utf-8"),
    ((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), "is an archive or a document of a word processor; save it as plain text in UTF-8"),
)


def what_it_is(beginning: bytes) -> str | None:
    """What a file that begins so is, and what to do; None when it may be UTF-8 text."""
    return next((said for marks, said in _FORMS if beginning.startswith(marks)), None)


def json_line(data: Mapping[str, Any]) -> bytes:
    """The line of a JSON Lines file, with its end. Half of a surrogate pair, which UTF-8 does not have, is written `\\udXXX`."""
    try:
        return (json.dumps(data, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(data) + "\n").encode()


def read_records(
    lines: IO[bytes], keys: Keys, done: "IdSet", report: Callable[[BadRecord], None], skipped: Callable[[], None]
) -> Iterator[Record]:
    """Records of a JSON Lines stream that are not among the `done` ones; blank lines are passed over.

    `skipped` is called for each that is done, `report` for each line that is no record and each id that was there before.
    """
    seen = IdSet()
    for number, line in numbered_lines(lines):
        if line is None:
            report(BadRecord(number, too_long()))
            continue
        if not line.strip():
            continue
        try:
            record = parse_record(line, keys, number)
        except DataError as error:
            report(BadRecord(number, str(error)))
            continue
        if not seen.add(record.id):
            report(BadRecord(number, "its id was there before", record.id))
        elif record.id in done:
            skipped()
        else:
            yield record


def too_long() -> str:
    """What is wrong with a line that `numbered_lines` does not give."""
    return f"longer than {LONGEST_LINE // 2**20} MiB"


def numbered_lines(lines: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Lines from 1 on; None for one that is longer than `LONGEST_LINE`."""
    number = 0
    while line := lines.readline(LONGEST_LINE):
        number += 1
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = lines.readline(LONGEST_LINE)
        yield number, None


class IdSet:
    """A set of ids that takes about 12 bytes for each: a hundred million are 1.2 GB.

    It keeps 64 bits of each id's BLAKE2b. Among a million ids the chance that any two are taken for one is 3 in 100 million.
    """

    def __init__(self) -> None:
        # New ones go to a set, which is merged into the sorted array when it has grown to a part of it.
        self._recent: set[int] = set()
        self._sorted: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._recent) + len(self._sorted)

    def __contains__(self, item: str) -> bool:
        return self._has(_fingerprint(item))

    def add(self, item: str) -> bool:
        """False when it was there already."""
        key = _fingerprint(item)
        if self._has(key):
            return False
        self._recent.add(key)
        if len(self._recent) >= max(10_000, len(self._sorted) // 16):
            recent = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            # Stable is the sort that makes use of what is sorted already.
            self._sorted = np.sort(np.concatenate([self._sorted, np.sort(recent)]), kind="stable")
            self._recent = set()
        return True

    def _has(self, key: int) -> bool:
        if key in self._recent:
            return True
        place = int(np.searchsorted(self._sorted, np.uint64(key)))
        return place < len(self._sorted) and int(self._sorted[place]) == key


def _fingerprint(item: str) -> int:
    return int.from_bytes(blake2b(item.encode("utf-8", "surrogatepass"), digest_size=8).digest())
