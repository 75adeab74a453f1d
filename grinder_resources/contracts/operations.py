"""How the line is run: when models are made again, what counts as drift, how many versions are kept (ML spec 12.13).

Facts only; `grinder_resources.operations` reads them from the `ml:` block of a YAML file.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CalibrationSettings:
    """When a model is trained again.

    retrain_interval_days
        Days after the end of its training data from which a model is due. It is asked on Mondays: fewer than eight mean
        every week.
    min_training_samples
        Rows its Gold table needs; below that nothing is trained again, drift or not.
    """

    retrain_interval_days: int = 7
    min_training_samples: int = 10_000


@dataclass(frozen=True)
class MonitoringSettings:
    """What is looked at, and from where on it is drift.

    drift_check_interval_hours
        Hours between two reports, 1 to 24, counted since 1970 so that a day need not be a multiple.
    warning_threshold, drift_threshold
        Effect from which a finding is a warning, and from which it is critical: the population stability index of an
        input or answer, or the share by which a loss grew. Both bounds belong to the worse state.
    accuracy_threshold
        Share of right answers below which performance is at least a warning; None = no floor.
    min_rows
        Rows before anything is said; at exactly so many it is.
    window_hours
        Hours of rows that are held against the training rows.
    false_discovery_rate
        Share of false findings allowed among those called significant (Benjamini and Hochberg 1995), 0..1.
    cool_down_hours
        Hours after a retrain that drift asked for in which it asks for no other of that model.
    """

    drift_check_interval_hours: int = 1
    warning_threshold: float = 0.10
    drift_threshold: float = 0.20
    accuracy_threshold: float | None = None
    min_rows: int = 100
    window_hours: int = 24
    false_discovery_rate: float = 0.05
    cool_down_hours: int = 24


@dataclass(frozen=True)
class RegistrySettings:
    """What the registry keeps.

    max_versions
        Versions of a model that are not retired; the oldest deprecated ones beyond that are.
    """

    max_versions: int = 10


@dataclass(frozen=True)
class Operations:
    """All settings of operations; the defaults are the specification's."""

    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
