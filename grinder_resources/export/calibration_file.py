"""`calibration.json` as bytes: every step table, rule and multiplier of the graph, with `parse(dump(c)) == c`.

The graph holds the same facts as nodes; here they can be read, and every proof recomputes its answers from them.
"""

from types import MappingProxyType
from typing import Any, cast

from grinder_resources.contracts.artifacts import CALIBRATION_FILE
from grinder_resources.contracts.calibration import (
    AtLeast,
    AtMost,
    Calibration,
    Either,
    Method,
    Rule,
    Spacing,
    StepTable,
    rule_facts,
)
from grinder_resources.errors import ManifestRejected, OutOfRange
from grinder_resources.export.strict_json import (
    integer,
    integers,
    items,
    json_bytes,
    mapping,
    record,
    reject,
    strict_json,
    text,
    texts,
)

MAX_CALIBRATION_BYTES = 64 << 20

_TOP = ("tables", "coherence", "spacing")
_TABLE = ("cuts_q16", "values_bps", "method", "rows")
_SPACING = ("head", "multipliers_x1000")
_BOUNDED: dict[str, type[AtMost | AtLeast]] = {"at_most": AtMost, "at_least": AtLeast}


def dump_calibration(calibration: Calibration) -> bytes:
    """Return the canonical bytes of a calibration."""
    return json_bytes(
        {
            "tables": {head: [_table_facts(table) for table in tables] for head, tables in calibration.tables.items()},
            "coherence": [rule_facts(rule) for rule in calibration.rules],
            "spacing": spacing_facts(calibration.spacing),
        }
    )


def parse_calibration(data: bytes) -> Calibration:
    """Return the calibration in `data`. Raises ManifestRejected, naming the field, for what a calibration cannot be."""
    top = record(strict_json(data, CALIBRATION_FILE, MAX_CALIBRATION_BYTES), _TOP, CALIBRATION_FILE)
    tables = mapping(top["tables"], "tables")
    return Calibration(
        tables=MappingProxyType({head: items(tables[head], _table, f"tables[{head!r}]") for head in tables}),
        rules=items(top["coherence"], parse_rule, "coherence"),
        spacing=parse_spacing(top["spacing"], "spacing"),
    )


def parse_rule(value: object, where: str) -> Rule:
    """Return the rule that `rule_facts` wrote. Raises ManifestRejected for anything else."""
    kind = text(mapping(value, where).get("rule"), f"{where}.rule")
    if kind in _BOUNDED:
        fields = record(value, ("rule", "head", "bounds"), where)
        return _BOUNDED[kind](text(fields["head"], where), texts(fields["bounds"], where))
    if kind == "either":
        fields = record(value, ("rule", "head", "parts"), where)
        parts = texts(fields["parts"], where)
        if len(parts) != 2:
            reject("a rule either-or has two parts", where, str(len(parts)))
        return Either(text(fields["head"], where), (parts[0], parts[1]))
    return reject("a rule has no such kind", where, repr(kind), f"{', '.join(_BOUNDED)}, either")


def spacing_facts(spacing: Spacing | None) -> dict[str, Any] | None:
    """Return a spacing as JSON, null for none."""
    if spacing is None:
        return None
    return {"head": spacing.head, "multipliers_x1000": list(spacing.multipliers_x1000)}


def parse_spacing(value: object, where: str) -> Spacing | None:
    """Return the spacing that `spacing_facts` wrote. Raises ManifestRejected for anything else."""
    if value is None:
        return None
    fields = record(value, _SPACING, where)
    return Spacing(text(fields["head"], where), integers(fields["multipliers_x1000"], where))


def _table_facts(table: StepTable) -> dict[str, Any]:
    return {
        "cuts_q16": list(table.cuts_q16),
        "values_bps": list(table.values_bps),
        "method": table.method,
        "rows": table.rows,
    }


def _table(value: object, where: str) -> StepTable:
    fields = record(value, _TABLE, where)
    try:
        return StepTable(
            cuts_q16=integers(fields["cuts_q16"], f"{where}.cuts_q16"),
            values_bps=integers(fields["values_bps"], f"{where}.values_bps"),
            method=cast(Method, text(fields["method"], f"{where}.method")),
            rows=integer(fields["rows"], f"{where}.rows"),
        )
    except OutOfRange as error:
        raise ManifestRejected(error.what, where=where, got=error.got) from error
