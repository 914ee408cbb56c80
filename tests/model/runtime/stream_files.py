"""Inputs and outputs of `predict --jsonl` that several test files look at."""

import gzip
import io
import json
from pathlib import Path

from letters import letter_predictor

from model.runtime.document import document_from_dict
from model.runtime.stream import Counts, StreamJob, predict_jsonl

IDS = [f"기사-{place}" for place in range(25)]
LINE = b'{"id": "a", "text": "", "entities": [], "relations": []}\n'
"""A document of this program."""


def write_records(path: Path, ids: list[str] = IDS, texts: dict[str, str] | None = None) -> Path:
    items = [{"id": i, "text": (texts or {}).get(i, f"{i} 부산시는 후쿠오카를 방문했다."), "url": f"u{i}"} for i in ids]
    data = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def ids_of(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    documents = [document_from_dict(json.loads(line), "line") for line in data.decode().splitlines()]
    assert all(d.text.startswith(d.id) and d.meta == {"url": f"u{d.id}"} and d.entities for d in documents)
    return [d.id for d in documents]


def job_in(folder: Path) -> StreamJob:
    source = write_records(folder / "in.jsonl")
    # A block is of eight characters a token: one article each.
    return StreamJob(str(source), str(folder / "out.jsonl"), letter_predictor, batch_tokens=1)


def run_job(job: StreamJob) -> tuple[Counts, str]:
    messages = io.StringIO()
    return predict_jsonl(job, messages), messages.getvalue()
