"""Label Studio's JSON tasks, and the labelling configuration that goes with them (https://labelstud.io/guide/task_format).

Offsets are code points since Label Studio 1.5 of 2022 (its editor's own test `ner/emoji` says so); older exports count UTF-16
code units (label-studio#1347). Each region repeats its surface, so the reader finds out which.

The article's id, title, source and meta travel in the task's `data`. Region ids become mention ids and back. Results of other
controls than labels and relations (choices, ratings, text areas) are kept in `meta["label_studio"]` and written back.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from model.runtime.document import Document, atomic_write
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS, relation_type

from .build import Link, Reading, Span, build_document
from .files import read_text
from .offsets import spans_by_surface

OTHER_RESULTS = "label_studio"
_FROM, _TO = "label", "text"
_COLOURS = dict(zip(LABELS, cycle(("#d9534f", "#2b7de9", "#2e9e5b", "#e0a800", "#8a56c8")), strict=False))


@dataclass(frozen=True)
class Choice:
    """Which of a task's annotations is taken when there are several."""

    annotator: str | None = None
    """`completed_by`: the annotator's id or e-mail address."""
    predictions: bool = False
    """Take a prediction where there is no annotation."""


def read_label_studio(path: Path, choice: Choice = Choice()) -> Reading:
    """The annotated tasks of a JSON export (or of an import file). DataError names the task."""
    try:
        data = json.loads(read_text(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON ({error.msg} at line {error.lineno})") from None
    reading = Reading()
    for number, task in enumerate(data if isinstance(data, list) else [data], 1):
        if not isinstance(task, dict):
            raise DataError(f"{path}: task {number} should be an object, found {type(task).__name__}")
        where = f"{path}: task {task.get('id', number)}"
        article = task.get("data")
        if not isinstance(article, dict):
            raise DataError(f"{where}: has no “data”; a JSON-MIN export leaves relations out, so export as JSON")
        results = _chosen(task, choice, where, reading.notes)
        if results is not None:
            reading.documents.append(_document(article, results, where, f"task-{task.get('id', number)}"))
    return reading


def _chosen(task: Mapping[str, Any], choice: Choice, where: str, notes: list[str]) -> list[dict[str, Any]] | None:
    """The results to read; None, with a note, where the task has none."""
    annotations = [a for a in task.get("annotations", task.get("completions")) or [] if not a.get("was_cancelled")]
    if choice.annotator is not None:
        annotations = [a for a in annotations if choice.annotator in _annotator(a)]
    if len(annotations) > 1:
        annotations = [a for a in annotations if a.get("ground_truth")] or annotations
    if not annotations and choice.predictions:
        annotations = task.get("predictions") or []
    if len(annotations) > 1:
        raise DataError(f"{where}: has {len(annotations)} annotations; name one with --annotator or mark one as ground truth")
    if annotations:
        return list(annotations[0].get("result") or [])
    only = "only predictions (take them with --predictions)" if task.get("predictions") else "no annotation, or was skipped"
    notes.append(f"{where}: left out, it has {only}")
    return None


def _annotator(annotation: Mapping[str, Any]) -> set[str]:
    by = annotation.get("completed_by")
    return {str(by.get(key)) for key in ("id", "email")} if isinstance(by, dict) else {str(by)}


def _document(article: Mapping[str, Any], results: Sequence[dict[str, Any]], where: str, fallback: str) -> Document:
    text = article.get("text")
    if not isinstance(text, str):
        raise DataError(f"{where}: its data has no “text”, only {', '.join(map(repr, article)) or 'nothing'}")
    regions = [r for r in results if r.get("type") in ("labels", "hypertextlabels", "paragraphlabels")]
    relations = [r for r in results if r.get("type") == "relation"]
    others = [r for r in results if r not in regions and r not in relations]
    said = [_region(region, where) for region in regions]
    places = spans_by_surface(text, [(span, surface) for _, _, span, surface, _ in said], where)
    meta = dict(article.get("meta") or {})
    if others:
        meta[OTHER_RESULTS] = others
    return build_document(
        str(article.get("id") or fallback),
        text,
        [Span(name, *place, label, score) for (name, label, _, _, score), place in zip(said, places, strict=True)],
        [link for relation in relations for link in _links(relation, where)],
        where,
        title=article.get("title"),
        source=article.get("source") or "",
        meta=meta,
    )


def _region(region: Mapping[str, Any], where: str) -> tuple[str, str, tuple[int, int], str | None, float | None]:
    """Id, label, place, surface and score of a region."""
    name, value = region.get("id"), region.get("value")
    if not isinstance(name, str) or not isinstance(value, dict):
        raise DataError(f"{where}: a region should have an id and a value, found {dict(region)!r}")
    start, end, labels = value.get("start"), value.get("end"), value.get("labels", value.get("hypertextlabels"))
    if not isinstance(start, int) or not isinstance(end, int):
        raise DataError(
            f"{where}: region {name} has no plain offsets; label the article with <Text>, not HyperText or Paragraphs"
        )
    if not isinstance(labels, list) or len(labels) != 1:
        raise DataError(f"{where}: region {name} should have one label, has {labels!r}")
    return name, str(labels[0]), (start, end), value.get("text"), region.get("score")


def _links(relation: Mapping[str, Any], where: str) -> Iterator[Link]:
    head, tail, labels = relation.get("from_id"), relation.get("to_id"), relation.get("labels")
    if not isinstance(head, str) or not isinstance(tail, str):
        raise DataError(f"{where}: a relation should have from_id and to_id")
    if not labels:
        raise DataError(f"{where}: the relation from {head} to {tail} has no label; give it one of {', '.join(RELATIONS)}")
    direction = relation.get("direction") or "right"
    if direction not in ("right", "left", "bi"):
        raise DataError(
            f"{where}: the relation from {head} to {tail} has the direction {direction!r}; right, left and bi are known"
        )
    for label in labels:
        if label not in RELATIONS:
            raise DataError(f"{where}: unknown relation type “{label}”; the types are {', '.join(RELATIONS)}")
        if direction != "left":
            yield Link(head, tail, label, score=relation.get("score"))
        if direction == "left" or (direction == "bi" and not relation_type(label).symmetric):
            yield Link(tail, head, label, score=relation.get("score"))


def task(document: Document, *, prediction: str | None = None, score: float | None = None) -> dict[str, Any]:
    """A task to import: annotated, or with a prediction by the model version `prediction` and its `score`."""
    meta = {key: value for key, value in document.meta.items() if key != OTHER_RESULTS}
    results = [*_regions(document), *_relations(document), *document.meta.get(OTHER_RESULTS, ())]
    data = {"id": document.id, "text": document.text, "title": document.title, "source": document.source, "meta": meta}
    if prediction is None:
        return {"data": data, "annotations": [{"result": results}]}
    predicted = {"model_version": prediction, "result": results}
    return {"data": data, "predictions": [predicted if score is None else {**predicted, "score": score}]}


def _regions(document: Document) -> Iterator[dict[str, Any]]:
    for e in document.entities:
        value = {"start": e.start, "end": e.end, "text": e.text, "labels": [e.label]}
        yield _scored({"id": e.id, "from_name": _FROM, "to_name": _TO, "type": "labels", "value": value}, e.score)


def _relations(document: Document) -> Iterator[dict[str, Any]]:
    for r in document.relations:
        direction = "bi" if relation_type(r.type).symmetric else "right"
        result = {"type": "relation", "from_id": r.head, "to_id": r.tail, "direction": direction, "labels": [r.type]}
        yield _scored(result, r.score)


def _scored(result: dict[str, Any], score: float | None) -> dict[str, Any]:
    return result if score is None else {**result, "score": round(score, 4)}


def write_tasks(tasks: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes tasks to import, and beside them the labelling configuration of the project (`<name>.config.xml`)."""
    with atomic_write(path) as out:
        json.dump(list(tasks), out, ensure_ascii=False, indent=1)
        out.write("\n")
    with atomic_write(configuration_file(path)) as out:
        out.write(configuration())


def configuration_file(path: Path) -> Path:
    """Where the labelling configuration of a file of tasks stands."""
    return path.with_suffix(".config.xml")


def write_label_studio(documents: Sequence[Document], path: Path) -> list[str]:
    """Writes annotated tasks and the labelling configuration; Label Studio carries everything."""
    write_tasks([task(document) for document in documents], path)
    return []


def configuration() -> str:
    """The labelling configuration: the schema's labels and relations over one text, with its line breaks kept."""
    view = ET.Element("View")
    ET.SubElement(view, "Style").text = ".htx-text { white-space: pre-wrap; }"
    relations = ET.SubElement(view, "Relations")
    for name in RELATIONS:
        ET.SubElement(relations, "Relation", value=name)
    labels = ET.SubElement(view, "Labels", name=_FROM, toName=_TO)
    for number, label in enumerate(LABELS, 1):
        ET.SubElement(labels, "Label", value=label, hotkey=str(number), background=_COLOURS[label])
    ET.SubElement(view, "Text", name=_TO, value="$text", granularity="symbol")
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"
