"""What the bot's own tools fix: the 15 numbers its runtime feeds a model, and what its artifact manifest may say.

The bot has two spellings of its manifest, schema "v1" and "v1.1", with the same rules: `model_file` and every file that
counts stand in a map of sha256 values, under paths inside the artifact's folder.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grinder_resources.contracts.requirements import require
from grinder_resources.hashing import sha256_bytes

FEATURE_ORDER = (
    "price_mid",
    "price_bid",
    "price_ask",
    "spread_bps",
    "volume_24h",
    "volume_1h",
    "volatility_1h_bps",
    "volatility_24h_bps",
    "position_size",
    "position_notional",
    "position_pnl_bps",
    "grid_levels_active",
    "grid_utilization_pct",
    "trend_strength",
    "momentum_1h",
)
"""Inputs of every model of the bot, float32, in order; its runtime feeds 0.0 for what it does not know."""

FEATURE_ORDER_HASH = sha256_bytes(json.dumps(FEATURE_ORDER).encode())[:16]
"""What a data set's manifest calls this order: cc836e0d5383abd9."""

NOT_MARKET_DATA = frozenset(
    ("position_size", "position_notional", "position_pnl_bps", "grid_levels_active", "grid_utilization_pct")
)
"""Inputs that only a running bot knows: its position and its grid."""

PROBS_OUTPUT = "regime_probs"
"""Output the bot's runtime reads: probabilities of LOW, MID and HIGH, float32 [N, 3]."""

SPACING_MULTIPLIER_OUTPUT = "spacing_multiplier"
"""Optional output the bot's runtime reads: float32 [N, 1], 1.0 = as it is."""

BotSchema = Literal["v1", "v1.1"]
BOT_SCHEMAS: tuple[BotSchema, ...] = ("v1", "v1.1")

DATASET_ID = re.compile(r"[a-z0-9][a-z0-9._-]{2,64}")
"""What the bot calls a data set, and the folder it lies in."""

MAX_FILES = 64
_MAX_PART = 255
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA = re.compile(r"[0-9a-f]{40}")


def relative_parts(path: str) -> tuple[str, ...] | None:
    """Return the names on the way to `path`, without `.`, or None where it could lead out of its folder.

    A path is refused if it is absolute or empty, or holds `..`, an empty name, a backslash or a control character.
    """
    parts = path.split("/")
    good = all(part not in ("", "..") and len(part) <= _MAX_PART and not _UNSAFE.search(part) for part in parts)
    return tuple(part for part in parts if part != ".") if good else None


def is_git_sha(text: str) -> bool:
    """Whether a text is 40 lower-case hex characters."""
    return _GIT_SHA.fullmatch(text) is not None


@dataclass(frozen=True)
class BotManifest:
    """`manifest.json` of an artifact of the bot.

    sha256
        64 lower-case hex characters by path; holds `model_file` at least.
    created_at, created_at_utc
        Labels; the bot compares neither.
    git_sha
        40 lower-case hex characters of the commit that made the model.
    feature_order
        FEATURE_ORDER, or None where it is not said. The bot warns of another order and then feeds its own; a model that
        was trained on other columns would answer to the wrong numbers, so here it is refused.

    Raises ManifestRejected where a value breaks the schema.
    """

    schema_version: BotSchema
    model_file: str
    sha256: Mapping[str, str]
    created_at: str
    created_at_utc: str | None = None
    git_sha: str | None = None
    dataset_id: str | None = None
    feature_order: tuple[str, ...] | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        known = self.schema_version in BOT_SCHEMAS
        require(known, "a schema of the bot is 'v1' or 'v1.1'", "schema_version", self.schema_version)
        require(1 <= len(self.sha256) <= MAX_FILES, f"1 to {MAX_FILES} files are named", "sha256", len(self.sha256))
        for path, digest in self.sha256.items():
            where = f"sha256[{path!r}]"
            require(relative_parts(path), "a path stays inside its folder", where, path)
            require(_SHA256.fullmatch(digest), "sha256 is 64 hex characters", where, digest)
        require(self.model_file in self.sha256, "model_file has a sha256", "model_file", self.model_file)
        require(self.created_at, "a time is needed here", "created_at", self.created_at)
        good_sha = self.git_sha is None or is_git_sha(self.git_sha)
        require(good_sha, "git_sha is 40 hex characters", "git_sha", self.git_sha)
        order = self.feature_order
        require(
            order in (None, FEATURE_ORDER), "the bot feeds 15 inputs in its own order", "feature_order", _shown(order)
        )


def _shown(order: tuple[str, ...] | None) -> str:
    """Return where an order leaves the bot's, short enough for a line."""
    if order is None:
        return ""
    pairs = enumerate(zip(order, FEATURE_ORDER, strict=False))
    first = next((f"{got} in place {place} of {wanted}" for place, (got, wanted) in pairs if got != wanted), "")
    return first or f"{len(order)} names"
