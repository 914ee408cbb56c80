"""The articles of the browser: gold and answers as the page's script reads them."""

import json
from typing import Any

from model.runtime.document import Document, Entity, Relation
from model.runtime.schema import LABELS, RELATIONS, relation_type

from .comparison import Comparison, Result
from .errors import MENTION_ERRORS, RELATION_ERRORS, MentionOutcome, Outcomes, RelationOutcome

_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def script_json(data: Any) -> str:
    """JSON that can stand inside a `<script>` element whatever its strings hold.

    `</script>` and `<!--` cannot occur, U+2028 and U+2029 (line ends to JavaScript) and lone surrogates (no UTF-8) are escaped.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char, escape in _ESCAPED.items():
        text = text.replace(char, escape)
    return "".join(f"\\u{ord(char):04x}" if 0xD800 <= ord(char) <= 0xDFFF else char for char in text)


def browser_data(comparison: Comparison) -> dict[str, Any]:
    """Articles with what every entrant made of them. Places are code points."""
    return {
        "labels": LABELS,
        "types": RELATIONS,
        "symmetric": [name for name in RELATIONS if relation_type(name).symmetric],
        "mentionErrors": MENTION_ERRORS,
        "relationErrors": RELATION_ERRORS,
        "entrants": comparison.names,
        "articles": [_article(index, gold, comparison) for index, gold in enumerate(comparison.gold)],
    }


def _article(index: int, gold: Document, comparison: Comparison) -> dict[str, Any]:
    return {
        "id": gold.id,
        "title": gold.title or gold.text.split("\n", 1)[0],
        "genre": str(gold.meta.get("genre", "")),
        "text": gold.text,
        "gold": [[e.start, e.end, e.label] for e in gold.entities],
        "answers": [_answer(gold, result, index) for result in comparison.results],
    }


def _answer(gold: Document, result: Result, index: int) -> dict[str, Any]:
    found, matched = result.found[index], result.outcomes[index]
    return {
        "mentions": [_mention(outcome) for outcome in matched.mentions],
        "relations": _relations(gold, found, matched),
    }


def _mention(outcome: MentionOutcome) -> list[Any]:
    """[class, gold span or null, answered span or null, score or null]."""
    score = outcome.answer.score if outcome.answer else None
    return [outcome.kind, _span(outcome.gold), _span(outcome.answer), score]


def _span(entity: Entity | None) -> list[Any] | None:
    return [entity.start, entity.end, entity.label] if entity else None


def _relations(gold: Document, found: Document, matched: Outcomes) -> list[list[Any]]:
    """[class, gold or null, answer or null, score or null], each relation as [type, head span, tail span], in text order."""
    rows = [(_ends(o.gold, gold), _ends(o.answer, found), o) for o in matched.relations]
    return [_relation(g, a, o) for g, a, o in sorted(rows, key=lambda row: (row[0] or row[1] or [0, [0], [0]])[1:])]


def _relation(gold: list[Any] | None, answer: list[Any] | None, outcome: RelationOutcome) -> list[Any]:
    return [outcome.kind, gold, answer, outcome.answer.score if outcome.answer else None]


def _ends(relation: Relation | None, document: Document) -> list[Any] | None:
    if relation is None:
        return None
    return [relation.type, _span(document.entity(relation.head)), _span(document.entity(relation.tail))]
