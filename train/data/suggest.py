"""Articles that nobody has annotated, annotated by a model for a person to correct, those first from which most is to be learned.

An article's uncertainty is the mean of 1 − score over the mentions and relations that the model found in it: least confidence
(Lewis and Gale 1994; for sequences Culotta and McCallum 2005), normalised by their number so that long articles do not come first
for their length (Settles and Craven 2008). A mention's score is the geometric mean of its characters' tag probabilities, a
relation's the sigmoid of its logit. Where nothing was found the uncertainty is 1: a release of a city hall without a single
mention is one that the model does not understand.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.runtime.document import Document, atomic_write
from model.runtime.errors import DataError
from model.runtime.predictor import Predictor
from model.runtime.text import normalise

from .formats.build import refuse_equal_ids
from .formats.files import json_lines, read_text
from .formats.label_studio import task, write_tasks
from .inline import write_inline
from .validate import SUGGESTED_BY, UNCERTAINTY

ORDER = "order.tsv"


@dataclass(frozen=True)
class Suggestion:
    """A predicted document and how unsure the model is of it, in [0, 1]."""

    document: Document
    uncertainty: float


def unlabelled(paths: Sequence[Path]) -> list[Document]:
    """Articles of `.txt` files (one each, named by the file) and of JSON Lines with a `text`, in the corpus's normal form.

    What the JSON object says of id, source and meta is kept; annotations in it are not read. DataError for what cannot be read,
    for an article without text and for ids that are there twice.
    """
    documents = [document for path in paths for document in _articles(path)]
    for document in documents:
        if not document.text.strip():
            raise DataError(f"{document.id}: the article has no text")
    refuse_equal_ids(documents)
    return documents


def _articles(path: Path) -> Iterable[Document]:
    if path.suffix != ".jsonl":
        return [_article(path.stem, read_text(path).removeprefix("\ufeff"), "", {})]
    return [_from_json(item, where, f"{path.stem}-{n}") for n, (where, item) in enumerate(json_lines(path), 1)]


def _from_json(item: dict[str, Any], where: str, fallback: str) -> Document:
    text, meta = item.get("text"), item.get("meta") or {}
    if not isinstance(text, str) or not isinstance(meta, dict):
        raise DataError(f"{where}: an article is an object with a “text” and perhaps id, source and meta")
    return _article(str(item.get("id") or fallback), text, str(item.get("source") or ""), meta)


def _article(name: str, text: str, source: str, meta: dict[str, Any]) -> Document:
    plain = normalise(text.replace("\r\n", "\n")).text.strip()
    doc_id = re.sub(r"[^A-Za-z0-9가-힣._-]+", "-", name).strip("-._") or "article"
    return Document(doc_id, plain, title=plain.split("\n", 1)[0], source=source, meta=meta)


def uncertainty(document: Document) -> float:
    """Mean of 1 − score over what was found; 1 where nothing was."""
    scores = [e.score or 0.0 for e in document.entities] + [r.score or 0.0 for r in document.relations]
    return 1 - sum(scores) / len(scores) if scores else 1.0


def suggest(predictor: Predictor, documents: Sequence[Document]) -> list[Suggestion]:
    """Predictions for the documents, the most uncertain first; of equal ones in the order given."""
    predicted = predictor.predict_iter(document.text for document in documents)
    found = [
        replace(document, entities=prediction.entities, relations=prediction.relations)
        for document, prediction in zip(documents, predicted, strict=True)
    ]
    return sorted((Suggestion(d, uncertainty(d)) for d in found), key=lambda s: -s.uncertainty)


def write_suggestions(suggestions: Sequence[Suggestion], folder: Path, model: str) -> None:
    """Writes `inline/<id>.txt`, `label-studio.json` with its configuration, and `order.tsv`.

    The inline header says `suggested_by` and `uncertainty`; whoever has corrected a file removes both lines. Label Studio's score
    is 1 − uncertainty, so that its lowest scores come first.
    """
    for suggestion in suggestions:
        document = suggestion.document
        marks = {SUGGESTED_BY: model, UNCERTAINTY: f"{suggestion.uncertainty:.3f}"}
        write_inline(replace(document, meta={**document.meta, **marks}), folder / "inline")
    tasks = [task(s.document, prediction=model, score=round(1 - s.uncertainty, 4)) for s in suggestions]
    write_tasks(tasks, folder / "label-studio.json")
    with atomic_write(folder / ORDER) as out:
        out.write("rank\tuncertainty\tid\tmentions\trelations\ttitle\n")
        for rank, s in enumerate(suggestions, 1):
            counts = f"{len(s.document.entities)}\t{len(s.document.relations)}"
            title = json.dumps(s.document.title, ensure_ascii=False)[1:-1]
            out.write(f"{rank}\t{s.uncertainty:.3f}\t{s.document.id}\t{counts}\t{title}\n")
