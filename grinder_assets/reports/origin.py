"""What a report is about and made from, as links and hashes in the UI."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from grinder_assets.keys import key_of
from grinder_assets.training.assets import artifact_key
from grinder_resources.learning.model_spec import ModelSpec


def origin(spec: ModelSpec, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return links to the model and the data of a report, their versions and hashes, and the version of its code.

    `facts` are the lines of `grinder_resources.provenance`: the same that stand on the page.
    """
    return {
        "model": dg.MetadataValue.asset(artifact_key(spec)),
        "model_version": facts["Model"],
        "data": dg.MetadataValue.asset(key_of(spec.dataset)),
        "data_days": facts["Days"],
        "data_hash": facts["Data hash"],
        "code_version": facts["Code version"],
    }
