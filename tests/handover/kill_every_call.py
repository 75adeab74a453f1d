"""Pack and unpack once for each of their calls that write, killed there; print how many calls there were.

Run by `test_killed.py` in a process of its own, where forking is safe: `python kill_every_call.py FOLDER`. The folder
holds `bundle.tar` and what it unpacks to, `whole`.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from grinder_resources.handover.models import add_models
from grinder_resources.handover.pack import pack
from grinder_resources.handover.unpack import unpack
from tests.handover.bundles import files_under
from tests.registry.killing import killed_at


def kill(act: Callable[[Path], object], made: Path, look: Callable[[Path], object], whole: object) -> int:
    """Kill an act at each of its calls: what it makes is whole or not there, and the next one goes through."""
    made.parent.mkdir()
    for limit in range(1, 1000):
        died = killed_at(limit, lambda: act(made))
        assert look(made) == whole if made.exists() else died, limit
        if not died:
            break
        if made.exists():
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    return limit - 1


def pack_models(out: Path) -> None:
    pack(out, lambda spool: add_models(spool, folder / "whole" / "models"))


def unpack_bundle(into: Path) -> None:
    unpack(folder / "bundle.tar", into)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    pack_models(folder / "whole.tar")
    packed = kill(pack_models, folder / "out" / "x.tar", Path.read_bytes, (folder / "whole.tar").read_bytes())
    # nothing here may open a lake: its threads do not survive a fork
    unpacked = kill(unpack_bundle, folder / "in" / "there", files_under, files_under(folder / "whole"))
    sys.stdout.write(f"{unpacked} {packed}\n")
