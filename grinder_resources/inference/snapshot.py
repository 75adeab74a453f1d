"""A snapshot in: what a trading process knows about one symbol at one moment, and how a model reads it.

Features go by name, never by position. What a model reads of them is written as canonical JSON and hashed before the
model runs (ML spec DET-08), then turned into one float32 row in the order of the model's manifest (DET-04).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grinder_resources.contracts.signals import MAX_TIME_MS
from grinder_resources.contracts.snapshots import FeatureSnapshot, L2FeatureSnapshot
from grinder_resources.errors import SchemaMismatch
from grinder_resources.hashing import canonical_json, sha256_bytes
from grinder_resources.inference.reasons import Refusal, RefusalCode

Value = int | float | Decimal | None
Features = Mapping[str, Value]
Row = NDArray[np.float32]

MAX_INTEGER = 1 << 53
"""Larger integers are rounded twice on their way to float32, and training rounds once."""

MAX_SYMBOL = 64
MAX_FLOAT32 = float(np.finfo(np.float32).max)

_NOT_L1 = {"ts", "symbol"}
_NOT_L2 = {"ts_ms", "symbol", "venue"}
L1_FEATURES = frozenset(FeatureSnapshot.__dataclass_fields__) - _NOT_L1 | {"thin_l1_lots"}
"""What `use_l1_features: false` withholds: FeatureSnapshot's fields, in the lake's spelling too."""

L2_FEATURES = frozenset(L2FeatureSnapshot.__dataclass_fields__) - _NOT_L2 | {
    "depth_bid_lots",
    "depth_ask_lots",
    "qty_ref_lots",
}
"""What `use_l2_features: false` withholds: L2FeatureSnapshot's fields, in the lake's spelling too."""


@dataclass(frozen=True)
class Snapshot:
    """What is known about a symbol at `ts`, ms since 1970-01-01 UTC.

    features
        Values by name. None = the contract's null (no book yet, say). Nothing is checked here: a snapshot that a model
        cannot read is refused by the engine, with a reason.
    """

    ts: int
    symbol: str
    features: Features

    @classmethod
    def of_bot(cls, l1: FeatureSnapshot, l2: L2FeatureSnapshot | None = None) -> Self:
        """Return the bot's two snapshots as one, in the contracts' order.

        Raises SchemaMismatch where the book is of another symbol, or later than the tick: that would be the future.
        """
        features = {name: value for name, value in asdict(l1).items() if name not in _NOT_L1}
        if l2 is not None:
            if (l2.symbol, l2.ts_ms <= l1.ts) != (l1.symbol, True):
                raise SchemaMismatch(
                    "a book is of the tick's symbol and no later than it",
                    where=f"{l1.symbol} at {l1.ts}",
                    got=f"{l2.symbol} at {l2.ts_ms}",
                )
            features |= {name: value for name, value in asdict(l2).items() if name not in _NOT_L2}
        return cls(l1.ts, l1.symbol, features)

    def to_json(self) -> str:
        """Return one line of canonical JSON; Decimals as strings."""
        return canonical_json({"ts": self.ts, "symbol": self.symbol, "features": _plain(self.features)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the snapshot of one JSON line with `ts`, `symbol` and `features`; strings are Decimals.

        Raises SchemaMismatch for anything else.
        """
        try:
            facts = json.loads(text)
            features = {
                name: Decimal(value) if isinstance(value, str) else value for name, value in facts["features"].items()
            }
            return cls(facts["ts"], facts["symbol"], features)
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SchemaMismatch(
                "a snapshot is one JSON object", got=repr(error)[:100], expected="ts, symbol, features"
            ) from error


@dataclass(frozen=True)
class Reading:
    """How a model reads a snapshot.

    names
        Its inputs, in the order of its manifest.
    nullable
        Inputs that may be null, because training rows were.
    fills_missing
        An absent input counts as 0, as in the bot's own runtime; otherwise the snapshot is refused.
    withheld
        Features that the settings keep from models: they count as absent.
    """

    names: tuple[str, ...]
    nullable: frozenset[str]
    fills_missing: bool = False
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the model gets, float32 [1, inputs] with NaN for null, the values it was made from, and their hash.

    text
        Canonical JSON of the values by name; Decimals as texts.
    features_hash
        First 16 hex characters of its sha256.
    """

    row: Row
    text: str
    features_hash: str


def encode(snapshot: Snapshot, reading: Reading) -> Encoded | Refusal:
    """Return the snapshot as the model reads it, or why it cannot be read."""
    values = bad_identity(snapshot) or _values(snapshot.features, reading)
    if isinstance(values, Refusal):
        return values
    text = canonical_json(_plain(values))
    numbers = [math.nan if value is None else float(value) for value in values.values()]
    return Encoded(np.array([numbers], dtype=np.float32), text, sha256_bytes(text.encode())[:16])


def _values(features: Features, reading: Reading) -> dict[str, Value] | Refusal:
    """Return what a model reads of the features, in its order, or why it cannot."""
    if reading.withheld:
        features = {name: value for name, value in features.items() if name not in reading.withheld}
    values: dict[str, Value] = {}
    for name in reading.names:
        value = features.get(name)
        if value is None and (name not in features or name not in reading.nullable):
            if not reading.fills_missing or name in features:
                return Refusal(RefusalCode.MISSING_FEATURE, name)
            value = 0
        # whole numbers come first: most values are, and a call for each would cost as much as all the rest
        elif not (type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER) and (
            refusal := _unreadable(name, value)
        ):
            return refusal
        values[name] = value
    return values


def bad_identity(snapshot: Snapshot) -> Refusal | None:
    """Return why no signal can be about a snapshot: its time, its symbol or its features are none; None if one can.

    A symbol is a printable text of at most 64 characters, so that it fits a log line and a feed that invents symbols
    fills no memory.
    """
    ts, symbol, features = snapshot.ts, snapshot.symbol, snapshot.features
    if type(ts) is not int or not 0 <= ts < MAX_TIME_MS:
        return Refusal(RefusalCode.BAD_SNAPSHOT, f"ts is {type(ts).__name__}, or no time")
    if type(symbol) is not str or not 0 < len(symbol) <= MAX_SYMBOL or not symbol.isprintable():
        return Refusal(RefusalCode.BAD_SNAPSHOT, f"symbol is {type(symbol).__name__}, or no name")
    if not isinstance(features, Mapping):
        return Refusal(RefusalCode.BAD_SNAPSHOT, f"features are {type(features).__name__}")
    return None


def _unreadable(name: str, value: object) -> Refusal | None:
    """Return why a value is no number that float32 and JSON can hold, or None; a truth value is no number."""
    if value is None:
        return None
    kind = type(value)
    if kind is float:
        fits = -MAX_FLOAT32 <= value <= MAX_FLOAT32  # type: ignore[operator]
    elif kind is Decimal:
        fits = value.is_finite() and abs(float(value)) <= MAX_FLOAT32  # type: ignore[attr-defined,arg-type]
    elif kind is int:
        fits = False  # a larger one than is exact
    else:
        return Refusal(RefusalCode.BAD_FEATURE, f"{name} is {kind.__name__}")
    return None if fits else Refusal(RefusalCode.NOT_FINITE, name)


def _plain(features: Features) -> dict[str, Any]:
    return {name: str(value) if type(value) is Decimal else value for name, value in features.items()}
