"""Mention replacement: copies of training articles in which persons, cities and institutions bear other names.

A small corpus repeats its own names; a tagger must learn what surrounds a name and how it is built (Dai & Adel 2020, *An analysis
of simple data augmentation for named entity recognition*). A copy keeps its sentences, mentions and relations; one name is
replaced alike throughout an article, and particles follow the new name's last sound (은/는, 이/가, 을/를, 와/과, 로/으로).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from model.runtime.document import Document, Entity
from model.runtime.lexicon import Lexicon

from .rewriting import rewritten, whole
from .typography import retyped

# The ten commonest surnames are borne by about two thirds of all Koreans (2015 census); the rest of the list shares what is left.
_COMMON_SURNAMES = {"김": 215, "이": 147, "박": 84, "최": 47, "정": 43, "강": 24, "조": 21, "윤": 20, "장": 19, "임": 17}
_OTHER_SURNAMES_WEIGHT = 363
_CITY_SUFFIXES = ("시", "군", "구", "현", "성", "주", "도", "부", "정", "촌")
_MIN_ENDING = 2
_DRAWS = 8


def augmented(documents: Sequence[Document], lexicon: Lexicon, copies: int, seed: int, typography: float = 0.0) -> list[Document]:
    """`copies` renamed copies of each document, ids with `~1`, `~2` …; the same for the same seed.

    `typography`: share of the copies that are in another typography, too (`train.typography`).
    """
    names = _Names(documents, lexicon)
    found = []
    for number in range(1, copies + 1):
        for document in documents:
            rng = random.Random(f"{seed} {number} {document.id}")
            copy = _renamed(document, number, names, rng)
            if not whole(copy):  # a name with a mark that ends a sentence where the old one's brackets kept it from doing so
                copy = replace(document, id=copy.id)
            found.append(retyped(copy, rng) if rng.random() < typography else copy)
    return found


class _Names:
    """What names may be replaced by, and of which kind a name is."""

    def __init__(self, documents: Sequence[Document], lexicon: Lexicon) -> None:
        lists = lexicon.lists
        self.surnames = list(dict.fromkeys([*_COMMON_SURNAMES, *lists["korean_surnames"]]))
        rest = _OTHER_SURNAMES_WEIGHT / max(1, len(self.surnames) - len(_COMMON_SURNAMES))
        self.surname_weights = [_COMMON_SURNAMES.get(name, rest) for name in self.surnames]
        mentions = [(e.label, e.text) for d in documents for e in d.entities]
        persons = {text for label, text in mentions if label == "PERSON"}
        self.given_names = (
            lists["korean_given_names"]
            or sorted({text[len(s) :] for text in persons if (s := self.surname_of(text)) and len(text) > len(s)})
            or [""]
        )
        foreign = sorted(text for text in persons if " " in text)
        self.foreign_parts = [*lists["foreign_name_parts"], *sorted({part for text in foreign for part in text.split()})]
        korean = set(lists["korean_municipalities"])
        self.korean_stems = {
            suffix: sorted(name[:-1] for name in korean if name.endswith(suffix) and name[:-1] in korean and len(name) > 2)
            for suffix in ("시", "군", "구")
        }
        # A name that was a county and is a city counts as a city.
        self.korean_suffix = {stem: suffix for suffix in ("구", "군", "시") for stem in self.korean_stems[suffix]}
        listed = set(lists["foreign_municipalities"])
        cities = {_without_suffix(text, listed) for label, text in mentions if label == "CITY" and text not in korean}
        self.foreign_cities = sorted((listed | cities) - korean)
        self._foreign_set = set(self.foreign_cities)
        self.organisations: dict[str, list[str]] = {}
        for text in sorted({text for label, text in mentions if label == "ORG"} | set(lists["organisations"])):
            self.organisations.setdefault(text[-_MIN_ENDING:], []).append(text)

    def surname_of(self, name: str) -> str | None:
        """The surname with which a Korean name begins, or which it is; None for other names."""
        if " " in name or len(name) > 4:
            return None
        return next((name[:size] for size in (2, 1) if name[:size] in self.surnames and len(name) - size <= 2), None)

    def korean_name(self, rng: random.Random) -> tuple[str, str]:
        return rng.choices(self.surnames, self.surname_weights)[0], rng.choice(self.given_names)

    def city_stem(self, name: str) -> tuple[str, str]:
        """A city's name without its suffix, and the suffix (perhaps none)."""
        if (
            len(name) > 2
            and name.endswith(_CITY_SUFFIXES)
            and (name[:-1] in self.korean_suffix or name[:-1] in self._foreign_set)
        ):
            return name[:-1], name[-1]
        return name, ""

    def other_city(self, stem: str, rng: random.Random) -> str:
        if stem in self.korean_suffix:
            return rng.choice(self.korean_stems[self.korean_suffix[stem]])
        return rng.choice(self.foreign_cities) if stem in self._foreign_set else stem


def _without_suffix(city: str, listed: set[str]) -> str:
    """A foreign city's name without 시, 군, 현, 성, 주, where that suffix is not part of it, as far as can be seen."""
    return city[:-1] if len(city) > 2 and city.endswith(("시", "군", "현", "성", "주")) and city not in listed else city


def _renamed(document: Document, number: int, names: _Names, rng: random.Random) -> Document:
    renaming = _Renaming(names, rng, document.entities)

    def between(text: str, left: Entity | None, right: Entity | None) -> str:
        name = renaming.of(left) if left else ""
        particle, adjusted = _particle(text, 0, name) if left and name != left.text else ("", "")
        return adjusted + text[len(particle) :]

    return rewritten(document, f"{document.id}~{number}", renaming.of, between)


class _Renaming:
    """The new names of one article: the same surface gets the same name, a surname that of the full name it belongs to.

    Different names get different ones, and none that the article has already: a relation between two mentions of one name would
    teach what cannot be.
    """

    def __init__(self, names: _Names, rng: random.Random, entities: Sequence[Entity]) -> None:
        self._names, self._rng = names, rng
        self._surnames: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._whole: dict[tuple[str, str], str] = {}
        self._taken = {e.text for e in entities} | {names.city_stem(e.text)[0] for e in entities if e.label == "CITY"}
        # Full names first, so that a surname alone finds its owner.
        persons = dict.fromkeys(e.text for e in entities if e.label == "PERSON")
        for person in sorted(persons, key=len, reverse=True):
            self._whole["PERSON", person] = self._person(person)

    def of(self, entity: Entity) -> str:
        key = (entity.label, entity.text)
        if key not in self._whole:
            self._whole[key] = self._new(*key)
        return self._whole[key]

    def _new(self, label: str, surface: str) -> str:
        if label == "CITY":
            stem, suffix = self._names.city_stem(surface)
            if stem not in self._stems:
                self._stems[stem] = self._free(stem, lambda: self._names.other_city(stem, self._rng))
            return self._stems[stem] + suffix
        if label == "ORG":
            others = self._names.organisations.get(surface[-_MIN_ENDING:], [surface])
            return self._free(surface, lambda: self._rng.choice(others))
        return surface

    def _free(self, name: str, draw: Callable[[], str]) -> str:
        """A drawn name that the article has not; the name itself when there is none among the first draws."""
        for _ in range(_DRAWS):
            drawn = draw()
            if drawn not in self._taken:
                self._taken.add(drawn)
                return drawn
        return name

    def _person(self, surface: str) -> str:
        surname = self._names.surname_of(surface)
        if surname is None:
            return " ".join(self._part(part) for part in surface.split(" "))
        if surface == surname:
            return self._surname(surname)
        return self._free(surface, lambda: self._surname(surname) + self._names.korean_name(self._rng)[1])

    def _surname(self, surname: str) -> str:
        if surname not in self._surnames:
            self._surnames[surname] = self._free(surname, lambda: self._names.korean_name(self._rng)[0])
        return self._surnames[surname]

    def _part(self, part: str) -> str:
        if part not in self._parts:
            parts = self._names.foreign_parts or [part]
            self._parts[part] = self._free(part, lambda: self._rng.choice(parts))
        return self._parts[part]


# After a final consonant, after a vowel.
_PARTICLES = (("으로", "로"), ("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"))


def _particle(text: str, place: int, name: str) -> tuple[str, str]:
    """The particle that stands at `place`, and the one that fits the new name there; both empty when none stands there."""
    final = _final_consonant(name)
    if final is None:
        return "", ""
    for closed, vowel in _PARTICLES:
        for old in (closed, vowel):
            behind = place + len(old)
            if text.startswith(old, place) and not text[behind : behind + 1].isalpha():
                # 로 also follows ㄹ.
                takes_closed = final > 0 and not (vowel == "로" and final == 8)
                return old, closed if takes_closed else vowel
    return "", ""


def _final_consonant(name: str) -> int | None:
    """Number of the last syllable's final consonant (0: none); None when the name does not end in Hangul."""
    code = ord(name[-1]) - 0xAC00
    return code % 28 if 0 <= code < 11_172 else None
