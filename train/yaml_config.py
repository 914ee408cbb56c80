"""Configurations as YAML files with `dotted.key=value` over them: recipes of training and pretraining, comparisons."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from model.runtime.errors import ConfigError

Sections = TypeVar("Sections", bound=BaseModel)


def read_sections(kind: type[Sections], path: Path, overrides: Sequence[str] = ()) -> Sections:
    """Reads a YAML file into sections; `overrides` are `dotted.key=value`, the value in YAML.

    Raises:
        ConfigError: names file, key and reason.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: should hold keys and values")
    for assignment in overrides:
        override(data, assignment)
    return validated(kind, data, str(path))


def validated(kind: type[Sections], data: Mapping[str, object], where: str) -> Sections:
    """Checks what a file or a command line says; `where` it stands.

    Raises:
        ConfigError: names the place, key and reason.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {'; '.join(_problems(error))}") from None


def override(data: dict[str, object], assignment: str) -> None:
    """Sets one key, in sections that are made where they are missing; the value is YAML.

    Raises:
        ConfigError: the assignment has no key or no `=`, a parent is not a section, or the value is not valid YAML.
    """
    key, equals, value = assignment.partition("=")
    if not equals or not key:
        raise ConfigError(f"override “{assignment}”: write dotted.key=value")
    *parents, last = key.split(".")
    section = data
    for parent in parents:
        inner = section.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"override “{assignment}”: {parent} is not a section")
        section = inner
    try:
        section[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"override “{assignment}”: the value is not valid YAML") from None


def _problems(error: ValidationError) -> list[str]:
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        reason = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
        problems.append(f"{key}: {reason}" if key else reason)
    return problems
