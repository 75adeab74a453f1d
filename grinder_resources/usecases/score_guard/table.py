"""A backtest in words: the lines that the command prints."""

from collections.abc import Callable, Iterator

from grinder_resources.contracts.score_guard import GUARDED
from grinder_resources.evaluation.scores import Estimate
from grinder_resources.usecases.score_guard.comparison import Comparison
from grinder_resources.usecases.score_guard.policies import Policy
from grinder_resources.usecases.score_guard.tries import Backtest

UNDEFINED = "-"


def lines(backtest: Backtest) -> Iterator[str]:
    """Yield what was tried, one line a number with a column a policy, how sure the difference is, and the verdict."""
    setup, policies = backtest.setup, backtest.policies
    yield f"{setup.kind}, {_days(backtest)}, {', '.join(setup.symbols) or 'every symbol'}"
    if backtest.scores:
        yield f"scores  {backtest.scores.name}"
        yield f"guard   {guard_text(backtest)}"
    yield ""
    yield f"{'':<34}" + "".join(f"{policy.name:>14}" for policy in policies)
    for label, number in rows(policies[0]):
        yield f"{label:<34}" + "".join(f"{number(policy):>14}" for policy in policies)
    yield ""
    if backtest.comparison:
        yield from _compared(backtest.comparison)
    yield backtest.sentence


def rows(policy: Policy) -> list[tuple[str, Callable[[Policy], str]]]:
    """Return the label of each number that is shown of a policy, and how it is written."""
    return [
        ("PnL, bps of capital", lambda p: bps(p.pnl_x1000)),
        ("costs in it, bps of capital", lambda p: bps(p.fees_x1000)),
        ("largest drawdown, bps of capital", lambda p: bps(p.max_drawdown_x1000)),
        ("Sharpe ratio", lambda p: ratio(p.sharpe_x1000)),
        ("Sortino ratio", lambda p: ratio(p.sortino_x1000)),
        ("round trips" if policy.period.stretch == 24 else "trades", lambda p: f"{p.trades:,}"),
        ("fills", lambda p: f"{p.fills:,}"),
    ]


def guard_text(backtest: Backtest) -> str:
    """Return when the guard is open, and what it left of the heuristic."""
    guard, comparison = backtest.setup.guard, backtest.comparison
    hazard = "" if guard.max_hazard_bps is None else f" and hazard <= {guard.max_hazard_bps} bps"
    asked = f"; it left {comparison.openness}" if comparison else ""
    return f"score >= {guard.threshold_bps} bps{hazard}, no older than {guard.max_age_s} s{asked}"


def bps(x1000: int) -> str:
    """Return an amount in bps with a digit."""
    return f"{x1000 / 1_000:,.1f}"


def ratio(x1000: int | None) -> str:
    """Return a ratio with two digits; a dash where it is not defined."""
    return UNDEFINED if x1000 is None else f"{x1000 / 1_000:.2f}"


def bounds(found: Estimate) -> str:
    """Return `value [low, high]`, or that there is no interval."""
    if found.low is None or found.high is None:
        return f"{found.value:+.1f}, no interval"
    return f"{found.value:+.1f} [{found.low:+.1f}, {found.high:+.1f}]"


def _days(backtest: Backtest) -> str:
    days = backtest.setup.days
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"


def _compared(found: Comparison) -> Iterator[str]:
    yield f"{GUARDED} more than heuristic, bps of capital      {bounds(found.difference)}"
    yield f"{GUARDED} more than as much at random              {bounds(found.beyond_random)}"
    hours = len(found.differences)
    yield f"Ratios are {found.guarded.period.name}; intervals are 95 % of a bootstrap over {hours} hours."
    yield f"Tries of this backtest so far, this one included: {found.tries}"
