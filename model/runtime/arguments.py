"""Types of command-line arguments that several commands share."""

import argparse


def positive(value: str) -> int:
    """A whole number from 1 on; anything else ends the program with the usage."""
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {value}")
    return int(value)
