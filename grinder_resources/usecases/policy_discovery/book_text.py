"""A rule book as people read it: a line a rule with its numbers, kept ones first, the others with the reason."""

from grinder_resources.usecases.policy_discovery.book import PPM, RuleBook
from grinder_resources.usecases.policy_discovery.rules import JudgedRule


def to_text(book: RuleBook) -> str:
    """Return the book as text."""
    training, later = book.training, book.later
    lines = [
        book.sentence,
        f"Found on {training.windows:,} windows of {training.first_day} to {training.last_day}, judged on "
        f"{later.windows:,} of {later.first_day} to {later.last_day}. Rules tested: {book.tested}; of the kept "
        f"ones {100 * book.settings.false_discovery_ppm / PPM:g} % may be worthless.",
        "",
        *(rule_line(rule, book.default) for rule in sorted(book.rules, key=lambda rule: not rule.kept)),
        f"ELSE {book.default}",
    ]
    return "\n".join(lines) + "\n"


def rule_line(judged: JudgedRule, default: str) -> str:
    """Return a rule with its numbers and what became of it; lifts in bps of capital a window."""
    later = judged.later
    numbers = f"{bps(later.lift_x1000)} bps over {default}"
    if judged.evidence:
        bounds = f"[{bps(judged.evidence.low_x1000)}, {bps(judged.evidence.high_x1000)}]"
        numbers += f" {bounds}, p {p_value(judged.evidence.p_ppm)}"
    held = f"in {later.rows:,} windows ({later.share_bps / 100:.1f} %)"
    end = "kept" if judged.kept else f"not kept, {', '.join(judged.reasons)}"
    return f"{judged.rule.name}: {judged.rule}: {numbers}, {held}: {end}"


def bps(x1000: int) -> str:
    """Return bps x 1000 as signed bps with three digits."""
    return f"{x1000 / 1_000:+.3f}"


def p_value(p_ppm: int) -> str:
    """Return a p-value of ppm with four digits, rounded up."""
    return f"{-(-p_ppm // 100) / 10_000:.4f}"
