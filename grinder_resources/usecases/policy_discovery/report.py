"""A discovery from the lake: made from two Gold tables, recorded on the ledger, kept as tables and as files.

Files appear whole, each in one rename: the rules as data, the rules as text, and the page that explains them.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from grinder_resources.contracts.gold_grid import GRID_SPACING, GRID_SWEEP
from grinder_resources.contracts.policy_discovery import POLICY_RETURNS, POLICY_RULES
from grinder_resources.contracts.table import Table
from grinder_resources.errors import NoData
from grinder_resources.export.durable import replace_file, written
from grinder_resources.lake import Lake, fingerprint
from grinder_resources.learning.ledger import LEDGER_FILE, Ledger, Trial
from grinder_resources.usecases.policy_discovery.book import RuleBook, Settings
from grinder_resources.usecases.policy_discovery.book_json import from_json, to_json
from grinder_resources.usecases.policy_discovery.book_text import to_text
from grinder_resources.usecases.policy_discovery.discovery import Discovery, discover
from grinder_resources.usecases.policy_discovery.policies import windows_of
from grinder_resources.usecases.policy_discovery.rules import JudgedRule, Performance

DEFAULTS = Settings()
SUBJECT = "policy_discovery"
RULES_JSON, RULES_TEXT = "rules.json", "rules.txt"
FOLDER = "policy_discovery"
"""Name of the folder of pages and rules."""

SOURCES: tuple[Table, ...] = (GRID_SPACING, GRID_SWEEP)


def policy_discovery(lake: Lake, models_dir: Path, code_version: str, settings: Settings = DEFAULTS) -> Discovery:
    """Return the discovery on all windows of the lake; its tables are committed and the ledger remembers the try.

    Where neither rows nor code have changed nothing is written: the same discovery is no new try. Raises
    PartitionMissing or NoData without windows and TooFewDays where they are of a single day.
    """
    starts, sweep = (lake.read(table) for table in SOURCES)
    if starts.is_empty() or sweep.is_empty():
        raise NoData("there is no window to learn from", where=GRID_SPACING.name, hint="Materialise more days")
    found = discover(windows_of(starts, sweep), settings, code_version)
    upstream = {
        "settings": str(settings),
        **{f"{table.name}/{day}": stamp.logical_sha256 for table in SOURCES for day, stamp in _days(lake, table)},
    }
    rows = {POLICY_RULES: rule_rows(found.book), POLICY_RETURNS: policy_rows(found)}
    wanted = fingerprint(code_version, upstream)
    if any(lake.current(table, None, wanted) is None for table in rows):
        Ledger(models_dir / LEDGER_FILE).append([trial(found)])
        for table, frame in rows.items():
            lake.commit(table, frame, day=None, code_version=code_version, upstream=upstream)
    return found


def _days(lake: Lake, table: Table) -> list[tuple[str, Any]]:
    return sorted(lake.stamps(table.name).items())


def trial(found: Discovery) -> Trial:
    """Return the try: what was tried, which rules held, and what following the whole tree blindly earned by hour."""
    book = found.book
    names = [[rule.rule.name for rule in book.rules if rule.kept is kept] for kept in (True, False)]
    return Trial(
        kind="backtest",
        subject=SUBJECT,
        question="",
        facts={
            "dataset": GRID_SPACING.name,
            "settings": asdict(book.settings),
            "policies": [[policy.name, policy.grid] for policy in book.policies],
            "code_version": book.code_version,
            "data": book.data_sha256,
            "passed": names[0],
            "refused": names[1],
        },
        blocks=tuple(found.blind),
        returns=tuple(found.blind.values()),
    )


def tries(models_dir: Path) -> dict[str, str]:
    """Return label -> text: how often rules were looked for. Raises LedgerBroken."""
    records = Ledger(models_dir / LEDGER_FILE).read()
    own = {record.trial.key for record in records if record.trial.subject == SUBJECT}
    return {"Discoveries on the ledger": f"{len(own)}: other days, settings, policies or code make another"}


def rule_rows(book: RuleBook) -> pl.DataFrame:
    """Return the rows of `reports/policy_discovery/rules`."""
    return _frame(POLICY_RULES, [_rule_row(rule, book.default) for rule in book.rules])


def _rule_row(judged: JudgedRule, default: str) -> dict[str, Any]:
    rule, evidence = judged.rule, judged.evidence

    def part(name: str, performance: Performance) -> dict[str, int]:
        return {f"{name}_{field}": value for field, value in asdict(performance).items()}

    return {
        "rule": rule.name,
        "conditions": " AND ".join(str(condition) for condition in rule.conditions),
        "policy": rule.policy,
        "default_policy": default,
        **part("training", rule.training),
        **part("later", judged.later),
        **(asdict(evidence) if evidence else dict.fromkeys(("low_x1000", "high_x1000", "p_ppm"))),
        "kept": judged.kept,
        "reasons": " ".join(judged.reasons),
    }


def policy_rows(found: Discovery) -> pl.DataFrame:
    """Return the rows of `reports/policy_discovery/policies`."""
    rows = [
        {
            "policy": policy.name,
            "grid": policy.grid,
            "is_default": policy.name == found.book.default,
            "training_pnl_x1000": found.earned[policy.name][0],
            "later_pnl_x1000": found.earned[policy.name][1],
        }
        for policy in found.book.policies
    ]
    return _frame(POLICY_RETURNS, rows)


def _frame(table: Table, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return table.conform(pl.DataFrame(rows, schema=table.schema, orient="row"))


def write_book(folder: Path, book: RuleBook) -> None:
    """Write the rules as data and as text into a folder, which is made if need be. Raises StorageFull."""
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / RULES_JSON, to_json(book))
        replace_file(folder / RULES_TEXT, to_text(book).encode())


def read_book(path: Path) -> RuleBook:
    """Return the rules in a file.

    Raises NoData where it cannot be read, ManifestRejected where it is no rule book.
    """
    try:
        return from_json(path.read_bytes())
    except OSError as error:
        raise NoData(
            "there are no rules to read", where=str(path), got=error.strerror or "", hint="Run a policy discovery first"
        ) from error
