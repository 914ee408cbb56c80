"""Recipes side by side: what differs, and which runs are seeds of one recipe."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .entrants import Entrant, provenance_of, recipe_of

# What may differ between two seeds of one recipe: the seed itself, and the name, which is the run folder.
_FREE = ("seed", "name")


@dataclass(frozen=True)
class Row:
    """A setting and its value for each entrant; empty where an entrant has none."""

    key: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def flattened(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted keys with their values as text."""
    flat: dict[str, str] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return flat


def side_by_side(settings: Sequence[Mapping[str, Any]]) -> list[Row]:
    """One row a setting, in the order in which they first occur."""
    flat = [flattened(data) for data in settings]
    keys = dict.fromkeys(key for data in flat for key in data)
    return [Row(key, tuple(data.get(key, "") for data in flat)) for key in keys]


@dataclass(frozen=True)
class Side:
    """What is compared as one: an entrant, or the runs of one recipe under several seeds. `members` are places in the list."""

    name: str
    members: tuple[int, ...]


def sides(entrants: Sequence[Entrant], pool: bool = True) -> list[Side]:
    """The entrants as sides; finished runs that are seeds of one recipe form one side, in the place of the first.

    Seeds of one recipe have resolved recipes that are equal but for `seed` and `name`, the same training data (by hash) and
    seeds that all differ. If nothing but one recipe is left, its runs are taken one by one: then the question is how they differ.
    """
    singles = [Side(entrant.name, (index,)) for index, entrant in enumerate(entrants)]
    pools = {side.members[0]: side for side in seed_pools(entrants)}
    inside = {member for side in pools.values() for member in side.members}
    pooled = [pools.get(i, single) for i, single in enumerate(singles) if i in pools or i not in inside]
    return pooled if pool and len(pooled) > 1 else singles


def seed_pools(entrants: Sequence[Entrant]) -> list[Side]:
    """The recipes that take part with several seeds."""
    groups: dict[str, list[tuple[int, Any]]] = {}
    for index, entrant in enumerate(entrants):
        key, seed = _seed_key(entrant)
        if key:
            groups.setdefault(key, []).append((index, seed))
    members = [
        tuple(index for index, _ in group)
        for group in groups.values()
        if len(group) > 1 and len({seed for _, seed in group}) == len(group)
    ]
    return [Side(_pool_name(entrants, indices), indices) for indices in members]


def _seed_key(entrant: Entrant) -> tuple[str | None, Any]:
    """What seeds of one recipe have in common, and the seed; no key for what is no whole run."""
    recipe = recipe_of(entrant) if entrant.kind == "run" else {}
    if "seed" not in recipe:
        return None, None
    rest = {key: value for key, value in recipe.items() if key not in _FREE}
    data = provenance_of(entrant).get("train.jsonl sha256")
    return json.dumps([rest, data], sort_keys=True, default=str), recipe["seed"]


def _pool_name(entrants: Sequence[Entrant], members: Sequence[int]) -> str:
    """What the names of the members begin with, and their number."""
    names = [entrants[index].name for index in members]
    shared = names[0]
    while not all(name.startswith(shared) for name in names):
        shared = shared[:-1]
    return f"{re.sub(r'[-_.@]*[0-9]*$', '', shared) or names[0]} ({len(names)} seeds)"
