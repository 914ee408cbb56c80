"""The annotation schema as data: labels, relation types, which arguments fit, which types are symmetric.

Everything that needs to know a label or a relation type (validator, candidate generation, decoding, scoring, reports) asks this
module; nothing else spells a label out. The rules themselves are in `data/annotations/GUIDELINES.md`.
"""

from dataclasses import dataclass

SCHEMA_VERSION = 3

LABELS: tuple[str, ...] = ("PERSON", "ORG", "CITY", "FIELD", "DATE")

_PARTY = frozenset({"CITY", "ORG"})
_ACTOR = _PARTY | {"PERSON"}


@dataclass(frozen=True)
class RelationType:
    """A relation type and what may stand at its ends.

    `group` names a set of types of which one ordered pair takes at most one (HEAD_OF and MEMBER_OF exclude each other).
    """

    name: str
    heads: frozenset[str]
    tails: frozenset[str]
    symmetric: bool = False
    group: str | None = None

    def allows(self, head_label: str, tail_label: str) -> bool:
        return head_label in self.heads and tail_label in self.tails


RELATION_TYPES: tuple[RelationType, ...] = (
    RelationType("HEAD_OF", frozenset({"PERSON"}), _PARTY, group="post"),
    RelationType("MEMBER_OF", frozenset({"PERSON"}), _PARTY, group="post"),
    RelationType("LOCATED_IN", _PARTY, frozenset({"CITY"})),
    RelationType("VISITS", _ACTOR, _PARTY),
    RelationType("MEETS", frozenset({"PERSON"}), frozenset({"PERSON"}), symmetric=True),
    RelationType("COOPERATES_WITH", _PARTY, _PARTY, symmetric=True),
    RelationType("COOPERATES_IN", _PARTY, frozenset({"FIELD"})),
    RelationType("ON_DATE", _ACTOR, frozenset({"DATE"})),
)

RELATIONS: tuple[str, ...] = tuple(relation.name for relation in RELATION_TYPES)

_BY_NAME = {relation.name: relation for relation in RELATION_TYPES}


def relation_type(name: str) -> RelationType:
    """The relation type called `name`; KeyError when the schema has none."""
    return _BY_NAME[name]


def candidate_types(head_label: str, tail_label: str, head_first: bool) -> tuple[bool, ...]:
    """For each type of `RELATIONS`, whether an ordered pair of mentions may bear it.

    A symmetric type is stored once, the earlier mention first, so it is allowed only when `head_first` is true.
    """
    return tuple(
        relation.allows(head_label, tail_label) and (head_first or not relation.symmetric) for relation in RELATION_TYPES
    )


# Characters over which the tagger decides: outside, or the beginning / inside of a mention of a label (BIO).
TAGS: tuple[str, ...] = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in ("B", "I")))
OUTSIDE = 0


def begin_tag(label: str) -> int:
    """Index in `TAGS` of the tag that begins a mention of `label`."""
    return 1 + 2 * LABELS.index(label)


def inside_tag(label: str) -> int:
    """Index in `TAGS` of the tag that continues a mention of `label`."""
    return begin_tag(label) + 1


def tag_label(tag: int) -> str | None:
    """The label of a tag index; None for outside."""
    return None if tag == OUTSIDE else LABELS[(tag - 1) // 2]
