"""The step of a venue's prices, where the ticks of the lake are finer: as far as the quotes so far tell."""

import numpy as np
import polars as pl


def with_price_steps(quotes: pl.DataFrame) -> pl.DataFrame:
    """Return one instrument's quotes, in order of time, with `step_ticks`: the step orders could be placed on so far.

    It is the greatest common divisor of all prices quoted up to then. Ticks may be finer than the venue's own step, and
    an order between two steps would stand in front of everybody, where nobody can stand.
    """
    prices = (quotes[name].to_numpy() for name in ("bid_ticks", "ask_ticks"))
    steps = np.gcd.accumulate(np.gcd(*prices)) if quotes.height else np.zeros(0, np.int64)
    return quotes.with_columns(pl.Series("step_ticks", steps, dtype=pl.Int64()))
