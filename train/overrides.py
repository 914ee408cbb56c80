"""`dotted.key=value` on a command line, over what a YAML file holds. Serves the recipes of training and of pretraining."""

import yaml

from model.runtime.errors import ConfigError


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
