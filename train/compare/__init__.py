"""Compares checkpoints: scores with intervals, significance, errors, one page of HTML, Markdown and JSON; a gate for CI."""
