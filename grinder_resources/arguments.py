"""Forms of command-line values that several commands take."""

import argparse


def count(text: str) -> int:
    """Return a whole number, at least 1. Raises argparse.ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"{text!r} is no whole number from 1"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def counts(text: str) -> tuple[int, ...]:
    """Return the whole numbers of `1,2,4`, each at least 1. Raises argparse.ArgumentTypeError for anything else."""
    return tuple(count(part) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    """Return the words of `nan,inf`, each once; none of an empty text."""
    return tuple(dict.fromkeys(word for word in text.split(",") if word))
