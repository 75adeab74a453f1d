"""Boosters as files of an artifact: XGBoost's own binary form, written once, read back against the manifest."""

from grinder_resources.contracts.artifacts import ExportableHead, HeadFacts
from grinder_resources.errors import ArtifactRejected, NotExportable
from grinder_resources.export.trees import margin_bound_q16, read_ensemble
from grinder_resources.export.verify import VerifiedArtifact


def booster_ubj(head: ExportableHead) -> bytes:
    """Return the head's booster as XGBoost's Universal Binary JSON: the same booster always gives the same bytes."""
    return _converted(head.booster_json, "ubj")


def read_heads(artifact: VerifiedArtifact) -> tuple[ExportableHead, ...]:
    """Return the heads of an artifact with the boosters from its files, in the manifest's order.

    Raises ArtifactRejected where a booster's objective, outputs, columns or margin bound are not the manifest's.
    """
    return tuple(_read_head(artifact, facts) for facts in artifact.manifest.heads)


def _read_head(artifact: VerifiedArtifact, facts: HeadFacts) -> ExportableHead:
    where = f"{artifact.manifest.folder}/{facts.booster_file}"
    head = ExportableHead(facts.name, facts.kind, facts.classes, _json_of(artifact, facts, where), facts.unit)
    try:
        ensemble = read_ensemble(head)
    except NotExportable as error:
        raise ArtifactRejected(error.what, where=where, got=error.got) from error
    got = (ensemble.n_features, margin_bound_q16(ensemble))
    stated = (len(artifact.manifest.input_features), facts.margin_bound_q16)
    if got != stated:
        rule = "a booster's columns or margin bound are not the manifest's"
        raise ArtifactRejected(rule, where=where, got=str(got), expected=str(stated))
    return head


def _json_of(artifact: VerifiedArtifact, facts: HeadFacts, where: str) -> bytes:
    import xgboost

    try:
        return _converted(artifact.files[facts.booster_file], "json")
    except xgboost.core.XGBoostError as error:
        raise ArtifactRejected("this is no XGBoost model", where=where, got=str(error).splitlines()[0][:100]) from error


def _converted(model: bytes, form: str) -> bytes:
    import xgboost

    return bytes(xgboost.Booster({"nthread": 1}, model_file=bytearray(model)).save_raw(form))
