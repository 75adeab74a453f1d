"""Which commit of this code made something: a label in manifests, never compared."""

import shutil
import subprocess
from pathlib import Path

from grinder_resources.contracts.bot import is_git_sha

_HERE = Path(__file__).parent


def head_commit(folder: Path = _HERE) -> str | None:
    """Return the 40 hex characters of the HEAD of the repository a folder lies in, by default this code's.

    None where there is no repository, no commit in it, or no git on this machine.
    """
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(folder), "rev-parse", "--verify", "HEAD"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - no text from outside
    found = answer.stdout.strip()
    return found if answer.returncode == 0 and is_git_sha(found) else None
