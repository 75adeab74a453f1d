"""The policy discovery's tables: every rule with what it did before and after it was found, and every policy.

Replaced whole by the latest discovery. All numbers are integers.
"""

import polars as pl

from grinder_resources.contracts.table import Column, Table, optional, required

_TEXT, _INT = pl.String(), pl.Int64()
_BPS = "bps of capital x 1000"
_TESTED = "null where the rule was not tested"


def _performance(part: str, days: str) -> tuple[Column, ...]:
    return (
        required(f"{part}_rows", _INT, f"windows of {days} in which it holds"),
        required(f"{part}_share_bps", _INT, f"their share of all windows of {days}, bps"),
        required(f"{part}_hours", _INT, "hours they come from"),
        required(f"{part}_instruments", _INT, "instruments they come from"),
        required(f"{part}_lift_x1000", _INT, f"mean PnL of its policy there less that of the default, {_BPS}"),
        required(f"{part}_hit_lift_bps", _INT, "share in which its policy is best less that of the default, bps"),
    )


POLICY_RULES = Table(
    name="reports/policy_discovery/rules",
    doc="One row a rule of the tree, kept or not: found on the earlier days, judged on the later ones.",
    columns=(
        required("rule", _TEXT, "its name: r01 is the tree's leftmost leaf"),
        required("conditions", _TEXT, "comparisons of integers, joined by AND"),
        required("policy", _TEXT, "what it advises"),
        required("default_policy", _TEXT, "what is done where no kept rule holds"),
        *_performance("training", "the earlier days"),
        *_performance("later", "the later days"),
        optional("low_x1000", _INT, f"lower bound of later_lift_x1000, widened for the choice, {_BPS}; {_TESTED}"),
        optional("high_x1000", _INT, f"upper bound, {_BPS}; {_TESTED}"),
        optional("p_ppm", _INT, f"one-sided p-value, ppm, rounded up; {_TESTED}"),
        required("kept", pl.Boolean(), "whether it holds out of sample"),
        required("reasons", _TEXT, "codes of why it is not kept, joined by spaces; empty if it is"),
    ),
    sort_by=("rule",),
    key=("rule",),
)

POLICY_RETURNS = Table(
    name="reports/policy_discovery/policies",
    doc="One row a policy: what it earned in a window on average, on the earlier days and on the later ones.",
    columns=(
        required("policy", _TEXT, "its name"),
        required("grid", _TEXT, "grid of gold/grid_sweep that does it; 'pause' is no grid"),
        required("is_default", pl.Boolean(), "whether it earned most on the earlier days"),
        required("training_pnl_x1000", _INT, f"mean PnL of a window of the earlier days, {_BPS}"),
        required("later_pnl_x1000", _INT, f"mean PnL of a window of the later days, {_BPS}"),
    ),
    sort_by=("policy",),
    key=("policy",),
)
