"""The history table of the registry: the events of a model as rows, so that a query can ask what the log says."""

import polars as pl

from grinder_resources.contracts.table import Table, optional, required

_TEXT, _COUNT = pl.String(), pl.Int64()


def history_table(model: str) -> Table:
    """Return `reports/registry/<model>`: one row an event of the model, as the registry's log has them."""
    return Table(
        name=f"reports/registry/{model}",
        doc="What happened to the versions of the model: staged, promoted, deprecated, rolled_back, retired, and why.",
        columns=(
            required("seq", _COUNT, "number of the event in the log, from 1 over all models", at_least=1),
            required("at", _TEXT, "UTC time, YYYY-MM-DDTHH:MM:SSZ; never before the event before"),
            required("action", _TEXT, "staged, promoted, deprecated, rolled_back or retired"),
            required("version", _TEXT, "e.g. v1.0.1"),
            required("model_hash", _TEXT, "hash of the version's graph, 16 hex characters"),
            required("manifest_sha256", _TEXT, "of the manifest, which names every other file"),
            required("chain_root", _TEXT, "hash of everything the version comes from"),
            required("data_until", _TEXT, "last ISO day of its rows; empty where it does not say"),
            required("actor", _TEXT, "who did it"),
            required("reason", _TEXT, "why"),
            required("overridden", _TEXT, "codes of gates that spoke against it, joined by spaces; empty if none did"),
            optional("promote", pl.Boolean(), "what the promotion check said; null where no evidence came with it"),
            optional("codes", _TEXT, "what spoke against its answers, joined by spaces; null as above"),
            optional("ledger_count", _COUNT, "records of the trial ledger by then; null as above"),
            required("signed_by", _TEXT, "key that signed the event; empty where none did"),
            required("previous", _TEXT, "sha256 of the event before, of whatever model"),
            required("sha256", _TEXT, "name of the event, and through previous of all before it"),
        ),
        sort_by=("seq",),
        key=("seq",),
    )
