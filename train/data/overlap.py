"""How far dev and test are new to a model that learned from train: which persons, cities, bodies and fields it has met.

A surface is *seen* when train has it under the same label, as it stands or after normalisation:

- CITY: without the administrative suffix (`부산광역시`, `부산시`, `부산` are one; `경상남도` and `경남` too), by the table of
  governments where it knows the surface, else by cutting the suffix where two syllables are left;
- ORG: without legal form, spaces and bracketed alias (`㈜한빛`, `한빛(주)`);
- FIELD: without spaces and the head nouns 산업 and 기술, which the guideline keeps or cuts by spelling (`해양산업`);
- PERSON: without spaces and dots; a surname alone (`박`, `황보`) is left out, for it names nobody by itself.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.runtime.document import Document

from .cities import SUFFIXES, CityTable

LABELS = ("PERSON", "ORG", "CITY", "FIELD")
_LEGAL_FORM = re.compile(r"㈜|\((?:주|재|사|유)\)|주식회사|재단법인|사단법인|\([^)]*\)|\s")
# The surnames of two syllables that Korean papers print alone before a title.
_LONG_SURNAMES = frozenset("남궁 황보 제갈 사공 선우 서문 독고 동방".split())
_HEAD_NOUN = re.compile(r"(?<=..)(?:산업|기술)$")


def normalise(label: str, surface: str, cities: CityTable) -> str:
    """What two surfaces of one thing have in common; see the module's text for the rules."""
    match label:
        case "CITY":
            rows = sorted({g.key for g in cities.find(surface)})
            if rows:
                return "|".join("/".join(row) for row in rows)
            stem = next((surface.removesuffix(s).strip() for s in SUFFIXES if surface.endswith(s)), surface)
            return stem if len(stem) > 1 else surface
        case "ORG":
            return _LEGAL_FORM.sub("", surface) or surface
        case "FIELD":
            return _HEAD_NOUN.sub("", re.sub(r"\s", "", surface))
        case _:
            return re.sub(r"[\s·.]", "", surface)


def is_surname(person: str) -> bool:
    """Whether a PERSON surface is a Korean surname alone, which several people bear."""
    return len(person) == 1 or person in _LONG_SURNAMES


@dataclass(frozen=True)
class Overlap:
    """Of the mentions (and different surfaces) of a label in a split, how many train has too."""

    label: str
    mentions: int
    seen_mentions: int
    surfaces: int
    seen_surfaces: int
    normalised: int
    """Seen surfaces, counted after normalisation."""
    shared: tuple[str, ...]
    """The surfaces that are seen after normalisation, sorted."""


def overlap(train: Sequence[Document], other: Sequence[Document], cities: CityTable) -> list[Overlap]:
    """The overlap of a split with train, label by label."""
    found = []
    for label in LABELS:
        known = set(_mentions(train, label))
        known_forms = _forms(known, label, cities)
        counts = Counter(_mentions(other, label))
        shared = sorted(s for s in counts if _forms([s], label, cities) & known_forms)
        found.append(
            Overlap(
                label,
                counts.total(),
                sum(count for surface, count in counts.items() if surface in known),
                len(counts),
                sum(surface in known for surface in counts),
                len(shared),
                tuple(shared),
            )
        )
    return found


def _mentions(documents: Iterable[Document], label: str) -> Iterable[str]:
    return (e.text for d in documents for e in d.entities if e.label == label and not (label == "PERSON" and is_surname(e.text)))


def _forms(surfaces: Iterable[str], label: str, cities: CityTable) -> set[str]:
    """Normalised forms; an ambiguous city surface (`광주시`) is one with each that it may name."""
    return {form for surface in surfaces for form in normalise(label, surface, cities).split("|")}


def overlap_markdown(by_split: Mapping[str, Sequence[Overlap]], listed: Sequence[str] = ("PERSON",)) -> str:
    """A table a split, and the shared surfaces of the `listed` labels."""
    lines: list[str] = []
    for split, rows in by_split.items():
        lines += [
            f"## {split} against train",
            "",
            "| label | mentions | seen | surfaces | seen | seen, normalised |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            mentions, surfaces = _share(row.seen_mentions, row.mentions), _share(row.seen_surfaces, row.surfaces)
            normalised = _share(row.normalised, row.surfaces)
            lines.append(f"| {row.label} | {row.mentions} | {mentions} | {row.surfaces} | {surfaces} | {normalised} |")
        for row in rows:
            if row.label in listed:
                lines += ["", f"{row.label} shared with train ({len(row.shared)}): {', '.join(row.shared) or 'none'}"]
        lines.append("")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.1%})" if whole else "0"
