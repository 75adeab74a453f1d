"""Where runs are told to: nowhere, a database beside the models, or a server.

======================  ============================================
GRINDER_TRACKING        runs are told to
======================  ============================================
unset                   nobody
`local`                 the database `<models>/mlflow.db`
a URI                   that store, e.g. `http://mlflow.example:5000`
======================  ============================================
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from grinder_resources.errors import BadDeclaration, ExtraMissing

VARIABLE = "GRINDER_TRACKING"
LOCAL = "local"
DATABASE_FILE = "mlflow.db"

_HINT = "`pip install 'grinder-lakehouse[tracking]'`, or unset GRINDER_TRACKING"


@dataclass(frozen=True)
class Store:
    """An MLflow store that was asked for, and can be spoken to: the extra is installed."""

    uri: str

    @property
    def shown(self) -> str:
        """The address without a name or password in it."""
        return self.without_password(self.uri)

    def without_password(self, text: str) -> str:
        """Return a text in which the address appears without a name or password."""
        netloc = urlsplit(self.uri).netloc
        return text.replace(netloc, netloc.rpartition("@")[2]) if "@" in netloc else text


def store_of(models_dir: Path, asked: str | None = None) -> Store | None:
    """Return the store that runs are told to, None where nobody asked for one.

    asked
        'local' or a URI; None = what the environment says.

    Raises ExtraMissing if one is asked for and MLflow is not installed, BadDeclaration for what is no address.
    """
    wanted = os.environ.get(VARIABLE, "") if asked is None else asked
    if not wanted:
        return None
    if find_spec("mlflow") is None:
        raise ExtraMissing("tracking needs an optional package", got="no mlflow", hint=_HINT)
    if wanted == LOCAL:
        return Store(f"sqlite:///{models_dir.absolute()}/{DATABASE_FILE}")
    if "://" not in wanted:
        raise BadDeclaration("a tracking store is a URI", where=VARIABLE, got=wanted, expected="local, or scheme://...")
    return Store(wanted)
