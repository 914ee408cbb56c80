"""An entrant in a process of its own: reads requests from standard input, one JSON object a line, and answers likewise.

It imports nothing heavy by itself, so that a cold start is the entrant's. Requests: `{"do": "read", "first": 0, "last": 40}`
reads texts at once, `{"do": "single", …}` one after the other, `{"do": "memory"}` tells the peak. No request ends the process.
"""

# ruff: noqa: PLC0415

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from .resident import peak


def main(job: dict[str, Any]) -> int:
    """Loads the entrant, reads the first text, then serves requests."""
    texts: list[str] = json.loads(Path(job["texts"]).read_text(encoding="utf-8"))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What libraries print must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    if job["kind"] == "peak":
        from .limit import peaks

        answer(ready=True)
        for _ in sys.stdin:
            answer(peaks=peaks(job["matrix"], job["threads"]))
        return 0
    read = _reader(job)
    read(texts[:1])
    answer(ready=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "memory":
            answer(bytes=peak())
            continue
        chosen = texts[request["first"] : request["last"]]
        groups = [[text] for text in chosen] if request["do"] == "single" else [chosen]
        seconds, processor, mentions = [], time.process_time(), 0
        for group in groups:
            started = time.perf_counter()
            mentions += read(group)
            seconds.append(time.perf_counter() - started)
        answer(seconds=seconds, processor=time.process_time() - processor, mentions=mentions)
    return 0


def _reader(job: dict[str, Any]) -> Any:
    from . import readers

    path, threads = Path(job["path"]), job["threads"]
    if job["kind"] == "exported":
        return readers.exported(path, threads)
    if job["kind"] == "torch":
        return readers.torch_model(path, threads, job["bf16"])
    if job["kind"] == "huggingface":
        return readers.huggingface(path, threads, job["batch_size"])
    return readers.crf(path)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
