"""A component that is a parabola: quick, with a best place that is known, and able to refuse and to fail."""

from collections.abc import Callable, Mapping
from pathlib import Path

from grinder_resources.learning.ledger import Ledger
from grinder_resources.tuning.component import Steps, TunableComponent
from grinder_resources.tuning.optuna_backend import OptunaBackend
from grinder_resources.tuning.parameters import Configuration, TunableParameter

SPACE = (
    TunableParameter("x", "continuous", 0.1, (0.0, 1.0)),
    TunableParameter("shape", "categorical", "plain", ("plain", "bent")),
    TunableParameter("bend", "integer", 2, (1, 5), conditional_on={"shape": "bent"}),
)
HOURS = 24
Trouble = Callable[[Configuration], None]


def height(configuration: Configuration) -> float:
    """Return what a configuration is worth: most, 1, at x = 0.7."""
    return 1.0 - (float(configuration["x"]) - 0.7) ** 2


class Parabola:
    """Runs in three steps, each of which knows the height; earns height x 1000 in every hour."""

    def __init__(self, trouble: Trouble = lambda _: None, *, maximise: bool = True, data: str = "ab") -> None:
        self.trouble, self.maximise, self.data = trouble, maximise, data
        self.runs = list[Configuration]()

    @property
    def component(self) -> TunableComponent:
        """The parabola as something that can be tuned."""
        return TunableComponent(
            "toy",
            SPACE,
            self.runs.append,
            self.run,
            self.telemetry,
            objective="height",
            maximise=self.maximise,
            earned=self.earned,
            scales={"hill": 1_000 * HOURS},
            facts={"dataset": "gold/training/toy", "data": self.data},
        )

    def run(self) -> Steps:
        """Yield the height three times."""
        for _ in range(3):
            self.trouble(self.runs[-1])
            yield height(self.runs[-1])

    def telemetry(self) -> Mapping[str, float]:
        """Return the height, and something else."""
        return {"height": height(self.runs[-1]), "width": 2.0}

    def earned(self) -> Mapping[str, Mapping[int, int]]:
        """Return the same in every hour."""
        return {"hill": dict.fromkeys(range(HOURS), round(1_000 * height(self.runs[-1])))}


class Bench:
    """Studies and a ledger in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, Ledger(folder / "ledger.jsonl")

    def backend(self, name: str = "toy", seed: int = 42, *, maximise: bool = True) -> OptunaBackend:
        """Return a study, as a process that starts now finds it."""
        return OptunaBackend(self.folder / "studies.db", name, seed=seed, maximise=maximise)
