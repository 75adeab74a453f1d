"""The signal runtime: a snapshot in, a signal or a refusal out, within a deadline, always.

    config -> gates -> door -> snapshot -> model -> signal -> decision

`config` reads the settings, `gates` judge what they may say together and what stops a snapshot, `door` lets a verified
model in, `snapshot` is hashed and becomes a row, `model` answers in integers, and `engine` turns all of that into one
decision a snapshot. It is off by default, and where anything is wrong rules alone decide.

Importing this package loads neither ONNX Runtime nor a data frame library; a model that is opened does.
"""

from grinder_resources.contracts.signals import BotSignal, MlSignalSnapshot
from grinder_resources.inference.config import MlConfig, load_config
from grinder_resources.inference.decision import Decision, Mode
from grinder_resources.inference.engine import SignalEngine, open_engine
from grinder_resources.inference.reasons import MlBlockReason, Refusal, RefusalCode
from grinder_resources.inference.selection import SignalIndex
from grinder_resources.inference.snapshot import Snapshot

__all__ = [
    "BotSignal",
    "Decision",
    "MlBlockReason",
    "MlConfig",
    "MlSignalSnapshot",
    "Mode",
    "Refusal",
    "RefusalCode",
    "SignalEngine",
    "SignalIndex",
    "Snapshot",
    "load_config",
    "open_engine",
]
