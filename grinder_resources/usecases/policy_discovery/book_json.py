"""A rule book as a JSON document, and back. Law: `from_json(to_json(book)) == book`; integers and texts only.

The document names its schema and carries the sha256 of everything else in it, so that a rule that was edited by hand is
refused rather than traded.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, cast

from grinder_resources.export.strict_json import integer, items, json_bytes, mapping, record, reject, strict_json, text
from grinder_resources.hashing import sha256_facts
from grinder_resources.usecases.policy_discovery.book import Period, RuleBook, Settings
from grinder_resources.usecases.policy_discovery.rules import (
    ABOVE,
    AT_MOST,
    CODES,
    Comparison,
    Condition,
    Evidence,
    JudgedRule,
    Performance,
    Policy,
    PolicyRule,
)

SCHEMA = "grinder.policy_rules.v1"
LIMIT = 1 << 20
"""Bytes of a document at most."""

_RULE = ("name", "conditions", "policy", "training", "later", "evidence", "kept", "reasons")
_HASHES = ("data_sha256", "tree_sha256", "code_version")
_FIELDS = ("schema", "default", "policies", "rules", "columns", "training", "later", "settings", *_HASHES, "sha256")


def to_json(book: RuleBook) -> bytes:
    """Return the document."""
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "default": book.default,
        "policies": [asdict(policy) for policy in book.policies],
        "rules": [_rule_facts(rule) for rule in book.rules],
        "columns": dict(book.columns),
        "training": asdict(book.training),
        "later": asdict(book.later),
        "settings": asdict(book.settings),
        **{name: getattr(book, name) for name in _HASHES},
    }
    return json_bytes(facts | {"sha256": sha256_facts(facts)})


def _rule_facts(judged: JudgedRule) -> dict[str, Any]:
    later = {"later": asdict(judged.later), "evidence": asdict(judged.evidence) if judged.evidence else None}
    return {**asdict(judged.rule), **later, "kept": judged.kept, "reasons": list(judged.reasons)}


def from_json(data: bytes) -> RuleBook:
    """Return the book in a document.

    Raises ManifestRejected for another schema, an unknown or missing field, a value of another type, a policy, column
    or reason that the document does not declare, bounds that exclude each other, or a sha256 that is not its own, and
    OutOfRange for a setting that no discovery could have had.
    """
    found = record(strict_json(data, "rules", LIMIT), _FIELDS, "rules")
    if found["schema"] != SCHEMA:
        reject("another schema", "rules.schema", repr(found["schema"]), SCHEMA)
    facts = {name: value for name, value in found.items() if name != "sha256"}
    if found["sha256"] != sha256_facts(facts):
        reject("the document was edited", "rules.sha256", repr(found["sha256"]), sha256_facts(facts))
    columns = {name: text(doc, f"rules.columns.{name}") for name, doc in mapping(found["columns"], "columns").items()}
    book = RuleBook(
        default=text(found["default"], "rules.default"),
        policies=items(found["policies"], _policy, "rules.policies"),
        rules=items(found["rules"], _rule, "rules.rules"),
        columns=MappingProxyType(columns),
        training=_period(found["training"], "rules.training"),
        later=_period(found["later"], "rules.later"),
        settings=Settings(**_integers(found["settings"], Settings, "rules.settings")),
        **{name: text(found[name], f"rules.{name}") for name in _HASHES},
    )
    _consistent(book)
    return book


def _consistent(book: RuleBook) -> None:
    """Refuse a book that speaks of policies or columns that it does not declare, or names two rules alike."""
    policies, names = {policy.name for policy in book.policies}, [rule.rule.name for rule in book.rules]
    unknown = {book.default, *(rule.rule.policy for rule in book.rules)} - policies
    if unknown:
        reject("a policy is not declared", "rules.policies", ", ".join(sorted(unknown)), ", ".join(sorted(policies)))
    asked = {one.column for rule in book.rules for one in rule.rule.conditions}
    if asked != set(book.columns):
        reject("declared columns are those asked for", "rules.columns", str(sorted(book.columns)), str(sorted(asked)))
    if len(set(names)) != len(names):
        reject("rules have names of their own", "rules.rules", ", ".join(names))


def _policy(value: object, where: str) -> Policy:
    found = record(value, ("name", "grid"), where)
    return Policy(text(found["name"], f"{where}.name"), text(found["grid"], f"{where}.grid"))


def _rule(value: object, where: str) -> JudgedRule:
    found = record(value, _RULE, where)
    rule = PolicyRule(
        name=text(found["name"], f"{where}.name"),
        conditions=items(found["conditions"], _condition, f"{where}.conditions"),
        policy=text(found["policy"], f"{where}.policy"),
        training=_performance(found["training"], f"{where}.training"),
    )
    _possible(rule.conditions, where)
    evidence = None
    if found["evidence"] is not None:
        evidence = Evidence(**_integers(found["evidence"], Evidence, f"{where}.evidence"))
    reasons = items(found["reasons"], _reason, f"{where}.reasons")
    judged = JudgedRule(rule, _performance(found["later"], f"{where}.later"), evidence, reasons)
    if found["kept"] is not judged.kept:
        reject("a rule is kept if and only if nothing speaks against it", f"{where}.kept", repr(found["kept"]))
    if judged.kept and evidence is None:
        reject("a rule that was not tested is not kept", f"{where}.evidence", "null")
    return judged


def _condition(value: object, where: str) -> Condition:
    found = record(value, ("column", "comparison", "value"), where)
    comparison = text(found["comparison"], f"{where}.comparison")
    if comparison not in (AT_MOST, ABOVE):
        reject("an unknown comparison", f"{where}.comparison", comparison, f"{AT_MOST} or {ABOVE}")
    column, bound = text(found["column"], f"{where}.column"), integer(found["value"], f"{where}.value")
    return Condition(column, cast("Comparison", comparison), bound)


def _possible(conditions: tuple[Condition, ...], where: str) -> None:
    """Refuse a bound that is given twice, and bounds that no integer meets."""
    bounds = {(one.column, one.comparison): one.value for one in conditions}
    if len(bounds) != len(conditions):
        reject("a column has one bound of a kind", f"{where}.conditions", ", ".join(str(one) for one in conditions))
    for (column, comparison), value in bounds.items():
        if comparison == AT_MOST and bounds.get((column, ABOVE), value - 1) >= value:
            reject("no integer meets both bounds", f"{where}.conditions", column)


def _reason(value: object, where: str) -> str:
    code = text(value, where)
    return code if code in CODES else reject("an unknown reason", where, code, ", ".join(CODES))


def _performance(value: object, where: str) -> Performance:
    return Performance(**_integers(value, Performance, where))


def _period(value: object, where: str) -> Period:
    found = record(value, tuple(field.name for field in fields(Period)), where)
    first, last = (text(found[name], f"{where}.{name}") for name in ("first_day", "last_day"))
    return Period(
        first, last, *(integer(found[name], f"{where}.{name}") for name in ("days", "windows", "instruments"))
    )


def _integers(value: object, kind: type, where: str) -> Mapping[str, Any]:
    """Return the fields of a dataclass that holds nothing but integers."""
    found = record(value, tuple(field.name for field in fields(kind)), where)
    return {name: integer(item, f"{where}.{name}") for name, item in found.items()}
