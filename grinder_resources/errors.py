"""The one exception tree. Every refusal is one line: what, where, got, expected, what to do.

GrinderError                    anything this project refuses to do; `grinder` prints it and exits 1
├── InputRefused                what was handed in cannot be used
│   ├── LandingMissing          no landing folder, or nothing in it
│   ├── UnknownFile             a landing file that no reader recognises
│   ├── AmbiguousSource         two formats deliver the same rows
│   ├── NoData                  no rows for the days or symbols asked for
│   ├── CorruptFile             truncated, undecodable or altered bytes
│   ├── LimitExceeded           larger, longer or more compressed than allowed
│   ├── BundleRejected          a packed bundle that is torn, altered or names an unsafe path
│   └── SchemaMismatch          missing, renamed or retyped columns
├── ContractBroken              our own rows or settings break a declared rule
│   ├── ConservationBroken      rows in != rows out + quarantined + deduplicated
│   ├── TooManyQuarantined      more bad rows than the declared share
│   ├── CheckFailed             a blocking check refused a day; it was not published
│   ├── UnknownName             a table, feature version, model spec or head that is not declared
│   ├── BadDeclaration          a feature manifest or settings file that breaks its schema
│   ├── ConfigRejected          settings of the signal runtime that a guard forbids
│   ├── SignalRejected          a signal, or a decision around one, that breaks its contract
│   └── OutOfRange              a number outside what exact integer arithmetic or a setting allows
├── LakeFault                   the lake cannot give or take rows
│   ├── PartitionMissing        the day was never committed
│   ├── CommitConflict          another writer won; nothing was published
│   └── StorageFull             no space, or no right, to write
├── ModelFault                  a model cannot be made or trusted
│   ├── NothingTrainable        no head of the spec has labels to learn from
│   ├── NotExportable           a booster uses what the exported graph cannot say
│   ├── ManifestRejected        a manifest that breaks its schema or names an unsafe path
│   ├── ArtifactRejected        bytes that differ from their manifest, or a graph that an audit refuses
│   ├── RegistryRejected        a model registry that is torn, breaks its schema or points nowhere
│   ├── SignatureRejected       a signature that is missing, or was made with another key or over other bytes
│   ├── NoAnswer                a model that gave no answer: late, dead, or with an error of its own
│   └── ExportMismatch          the exported graph does not answer as the booster does
├── ProofFailed                 a claim that a proof found broken
│   ├── LeakFound               a training table or split that knows its own future
│   ├── LedgerBroken            the trial ledger was altered, cut or reordered
│   ├── NotDeterministic        the same inputs gave two outputs, or others than were recorded
│   ├── DrillFailed             a drill that did not end safe
│   └── PromotionRefused        the evidence does not carry a model, or a threshold was not met
├── SignalHalted                no signal, and the settings ask to halt rather than go on without
├── TooFewDays                  a split needs more days than there are
├── ExtraMissing                an optional package that was asked for is not installed
├── TrackingFailed              a tracking store that refused a run, or did not answer
└── RunFailed                   a step of a run refused; the line is the step's own
"""

from functools import partial
from typing import Any


class GrinderError(Exception):
    """A refusal with a stable `code` and a one-line message.

    Parameters are keyword-only texts; empty ones are left out of the line.

    what
        The rule that was broken, as a statement.
    where
        File, line, table, day or column.
    got, expected
        The two values that disagree.
    hint
        What the reader should do next.
    """

    code = "GRINDER_ERROR"
    exit_code = 1

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.hint = hint
        super().__init__(self.line())

    def line(self) -> str:
        """Return `CODE: what (where; got ...; expected ...). hint` on one line."""
        facts = [
            self.where,
            f"got {self.got}" if self.got else "",
            f"expected {self.expected}" if self.expected else "",
        ]
        inside = "; ".join(fact for fact in facts if fact)
        text = f"{self.code}: {self.what}" + (f" ({inside})" if inside else "")
        text = f"{text}. {self.hint}" if self.hint else text
        return " ".join(text.split())

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the facts of a refusal that crosses from one process to another."""
        facts = {name: getattr(self, name) for name in ("where", "got", "expected", "hint")}
        return partial(type(self), **facts), (self.what,)


class InputRefused(GrinderError):
    """What was handed in cannot be used."""

    code = "INPUT_REFUSED"


class LandingMissing(InputRefused):
    """No landing folder, or nothing in it."""

    code = "LANDING_MISSING"


class UnknownFile(InputRefused):
    """A landing file that no reader recognises."""

    code = "UNKNOWN_FILE"


class AmbiguousSource(InputRefused):
    """Two formats deliver the same rows."""

    code = "AMBIGUOUS_SOURCE"


class NoData(InputRefused):
    """No rows for the days or symbols asked for."""

    code = "NO_DATA"


class CorruptFile(InputRefused):
    """Truncated, undecodable or altered bytes."""

    code = "CORRUPT_FILE"


class LimitExceeded(InputRefused):
    """Larger, longer or more compressed than allowed."""

    code = "LIMIT_EXCEEDED"


class BundleRejected(InputRefused):
    """A packed bundle that is torn, altered or names an unsafe path."""

    code = "BUNDLE_REJECTED"


class SchemaMismatch(InputRefused):
    """Missing, renamed or retyped columns."""

    code = "SCHEMA_MISMATCH"


class ContractBroken(GrinderError):
    """Our own rows or settings break a declared rule."""

    code = "CONTRACT_BROKEN"


class ConservationBroken(ContractBroken):
    """Rows in differ from rows out + quarantined + deduplicated."""

    code = "CONSERVATION_BROKEN"


class TooManyQuarantined(ContractBroken):
    """More bad rows than the declared share."""

    code = "TOO_MANY_QUARANTINED"


class CheckFailed(ContractBroken):
    """A blocking check refused a day; it was not published."""

    code = "CHECK_FAILED"


class UnknownName(ContractBroken):
    """A table, feature version, model spec or head that is not declared."""

    code = "UNKNOWN_NAME"


class BadDeclaration(ContractBroken):
    """A feature manifest or settings file that breaks its schema."""

    code = "BAD_DECLARATION"


class ConfigRejected(ContractBroken):
    """Settings of the signal runtime that a guard forbids."""

    code = "CONFIG_REJECTED"


class SignalRejected(ContractBroken):
    """A signal, or a decision around one, that breaks its contract."""

    code = "SIGNAL_REJECTED"


class OutOfRange(ContractBroken):
    """A number outside what exact integer arithmetic or a setting allows."""

    code = "OUT_OF_RANGE"


class LakeFault(GrinderError):
    """The lake cannot give or take rows."""

    code = "LAKE_FAULT"


class PartitionMissing(LakeFault):
    """The day was never committed."""

    code = "PARTITION_MISSING"


class CommitConflict(LakeFault):
    """Another writer won; nothing was published."""

    code = "COMMIT_CONFLICT"


class StorageFull(LakeFault):
    """No space, or no right, to write."""

    code = "STORAGE_FULL"


class ModelFault(GrinderError):
    """A model cannot be made or trusted."""

    code = "MODEL_FAULT"


class NothingTrainable(ModelFault):
    """No head of the spec has labels to learn from."""

    code = "NOTHING_TRAINABLE"


class NotExportable(ModelFault):
    """A booster uses what the exported graph cannot say."""

    code = "NOT_EXPORTABLE"


class ManifestRejected(ModelFault):
    """A manifest that breaks its schema or names an unsafe path."""

    code = "MANIFEST_REJECTED"


class ArtifactRejected(ModelFault):
    """Bytes that differ from their manifest, or a graph that an audit refuses."""

    code = "ARTIFACT_REJECTED"


class RegistryRejected(ModelFault):
    """A model registry that is torn, breaks its schema or points nowhere."""

    code = "REGISTRY_REJECTED"


class SignatureRejected(ModelFault):
    """A signature that is missing, or was made with another key or over other bytes."""

    code = "SIGNATURE_REJECTED"


class NoAnswer(ModelFault):
    """A model that gave no answer: late, dead, or with an error of its own."""

    code = "NO_ANSWER"


class ExportMismatch(ModelFault):
    """The exported graph does not answer as the booster does."""

    code = "EXPORT_MISMATCH"


class ProofFailed(GrinderError):
    """A claim that a proof found broken."""

    code = "PROOF_FAILED"


class LeakFound(ProofFailed):
    """A training table or split that knows its own future."""

    code = "LEAK_FOUND"


class LedgerBroken(ProofFailed):
    """The trial ledger was altered, cut or reordered."""

    code = "LEDGER_BROKEN"


class NotDeterministic(ProofFailed):
    """The same inputs gave two outputs, or others than were recorded."""

    code = "NOT_DETERMINISTIC"


class DrillFailed(ProofFailed):
    """A drill that did not end safe."""

    code = "DRILL_FAILED"


class PromotionRefused(ProofFailed):
    """The evidence does not carry a model, or a threshold was not met."""

    code = "PROMOTION_REFUSED"


class SignalHalted(GrinderError):
    """No signal, and the settings ask to halt rather than go on without."""

    code = "SIGNAL_HALTED"


class TooFewDays(GrinderError):
    """A split needs more days than there are."""

    code = "TOO_FEW_DAYS"


class ExtraMissing(GrinderError):
    """An optional package that was asked for is not installed."""

    code = "EXTRA_MISSING"


class TrackingFailed(GrinderError):
    """A tracking store that refused a run, or did not answer."""

    code = "TRACKING_FAILED"


class RunFailed(GrinderError):
    """A step of a run refused; the line is the step's own."""

    code = "RUN_FAILED"

    def line(self) -> str:
        """Return the step's line as it is."""
        return self.what
