"""What comes out: one decision a snapshot, with the signal, whether it may be used, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from grinder_resources.contracts.calibration import NEUTRAL_X1000
from grinder_resources.contracts.signals import MlSignalSnapshot
from grinder_resources.errors import SignalRejected
from grinder_resources.inference.reasons import Refusal

NOTHING: Mapping[str, int] = MappingProxyType({})


class Mode(StrEnum):
    """How far signals are let into trading (ML spec 12.5.4)."""

    OFF = "off"
    SHADOW = "shadow"
    CANARY = "canary"
    ACTIVE = "active"


@dataclass(frozen=True)
class Decision:
    """The runtime's answer to one snapshot.

    mode
        The mode in force for this symbol: a symbol outside the canary's share is in `shadow`.
    signal
        What the model says, or what stands in for it; None where nothing was scored.
    refusal
        Why the signal is not used, or is not this snapshot's own; None where all went well.
    applied
        Whether policies may use the signal. It is false in shadow, and after every refusal but one: with
        `fallback_on_error: previous` the symbol's last signal stays in force.

    Raises SignalRejected for a decision that applies nothing, or applies a signal outside canary and active.
    """

    ts: int
    symbol: str
    mode: Mode
    signal: MlSignalSnapshot | None = None
    refusal: Refusal | None = None
    applied: bool = False

    def __post_init__(self) -> None:
        if self.applied and (self.signal is None or self.mode not in (Mode.CANARY, Mode.ACTIVE)):
            raise SignalRejected("only a signal is applied, and only in canary or active", got=self.mode)
        if self.signal is None and self.refusal is None:
            raise SignalRejected("a decision has a signal or a refusal", where=self.symbol)

    @property
    def spacing_multiplier_x1000(self) -> int:
        """How wide the grid should be: the signal's word where it is applied, else 1000, which changes nothing."""
        return self.signal.spacing_multiplier_x1000 if self.applied and self.signal else NEUTRAL_X1000

    def to_policy_features(self) -> Mapping[str, int]:
        """Return the bot's five policy features of an applied signal; nothing otherwise, so that rules alone decide."""
        return self.signal.to_bot().to_policy_features() if self.applied and self.signal else NOTHING
