"""Gate events: what a gate said, what the instrument's gates before it say, and where the price went afterwards.

Numbers are integers: shares are x 10^6 (the codec prints six decimals, so nothing is lost), prices are x 10^6 of the
quote currency, moves are percent x 10^6 (0.01 bps), rounded half to even. Only a gate of the same instrument with ts <=
ts_ns is looked at by a feature; only prices in (ts_ns, label_end] decide a label.

A label is cut, and null, where the exporter could not see its whole window: it then prints the change up to the last
candle it has, which covers less time than it says.
"""

import polars as pl

from grinder_resources.contracts.table import DAY, SYMBOL, TS, VENUE, Column, Table, optional, required

GATE_HORIZONS_MIN = (5, 15, 30, 60, 240)
"""Horizons, in minutes, that are labelled."""

GATE_WINDOWS_MIN = (60, 240)
"""Look-back, in minutes, of the windows over an instrument's earlier gates; a window is (ts - minutes, ts]."""

GATE_MAX_GAP_MIN = 30
"""A longer pause before a gate breaks the series: no change is taken across it. Gates come 16 to 24 minutes apart."""

GATE_LOOK_BACK_DAYS = 3
"""Calendar days before a day whose gates its features may use: a weekend."""

GATE_REGIMES = ("mean_revert", "neutral", "chaotic", "trend_bull", "trend_bear", "insufficient", "other")
"""Regimes of a gate, 'other' for one that is none of them, in the order of their codes in a design matrix."""

MILLION = 1_000_000
"""Scale of every share, price and percentage here."""

_TEXT, _BIT, _COUNT, _LONG = pl.String(), pl.Int8(), pl.Int32(), pl.Int64()

_IDENTITY = (DAY, VENUE, SYMBOL, TS)
_WATERMARK = required("watermark_ns", _LONG, "ts_ns of the newest gate that a feature of the row looked at")
_NO_PREVIOUS = f"null for the first gate and after a pause of more than {GATE_MAX_GAP_MIN} minutes"


def _share(name: str, doc: str) -> Column:
    return optional(name, _LONG, f"{doc}, x 10^6; null where the source has none", at_least=0, at_most=MILLION)


def _window_columns(minutes: int) -> tuple[Column, ...]:
    alone = "null where the window holds no other gate"
    return (
        required(f"gates_{minutes}m", _COUNT, "gates of the instrument in the window, this one included", at_least=1),
        required(f"rejected_{minutes}m", _COUNT, "those of them that were not admitted", at_least=0),
        optional(f"hazard_mean_{minutes}m_x1e6", _LONG, f"mean hazard of the window, x 10^6, half-even; {alone}"),
        optional(f"return_{minutes}m_pct_x1e6", _LONG, f"price / the window's first - 1, percent x 10^6; {alone}"),
        optional(
            f"range_{minutes}m_pct_x1e6",
            _LONG,
            f"(highest - lowest price of the window's gates) / price, percent x 10^6; {alone}",
            at_least=0,
        ),
    )


GATE_INPUTS = (
    required("hazard_x1e6", _LONG, "share of adjacent bits that flip, x 10^6", at_least=0, at_most=MILLION),
    _share("hazard_threshold_x1e6", "threshold in force"),
    optional("hazard_margin_x1e6", _LONG, "threshold - hazard, x 10^6; null without a threshold"),
    _share("entropy_x1e6", "entropy of the bits"),
    required("admit", _BIT, "1 if the source admitted the gate", at_least=0, at_most=1),
    required("regime", _TEXT, "one of GATE_REGIMES"),
    _share("regime_confidence_x1e6", "the source's confidence in the regime, half-even"),
    optional("repetitions", _LONG, "equal signatures in the source's look-back, this one included"),
    optional("roc_prev_pct_x1e6", _LONG, "change of the last candle, percent x 10^6, half-even"),
    optional("minutes_since_prev", _COUNT, "whole minutes since the previous gate; null if there is none in reach"),
    required("after_gap", _BIT, f"1 for the first gate and after more than {GATE_MAX_GAP_MIN} minutes", at_most=1),
    optional("hazard_change_x1e6", _LONG, f"hazard - the previous gate's, x 10^6; {_NO_PREVIOUS}"),
    optional("entropy_change_x1e6", _LONG, f"entropy - the previous gate's, x 10^6; {_NO_PREVIOUS}"),
    optional("return_prev_pct_x1e6", _LONG, f"price / the previous gate's - 1, percent x 10^6; {_NO_PREVIOUS}"),
    *(column for minutes in GATE_WINDOWS_MIN for column in _window_columns(minutes)),
    required("hour_of_week", _COUNT, "0 .. 167, UTC, from Monday 00:00", at_least=0, at_most=167),
)
"""What a model of gates may read. The price itself names the instrument and the day; it is left out."""

_TWINS = (
    optional("lambda_x1e6", _LONG, "the source's lambda, x 10^6; exports print the hazard again"),
    _share("coherence_x1e6", "1 - entropy"),
    _share("stability_x1e6", "1 - hazard"),
    optional("price_close_x1e6", _LONG, "close of the gate's candle, quote currency x 10^6"),
)
"""What says nothing that an input does not say, or names the instrument: kept in Silver, never an input."""


def _labels(minutes: int) -> tuple[Column, ...]:
    return (
        optional(
            f"roc_forward_{minutes}m_pct_x1e6",
            _LONG,
            f"change to the last price within {minutes} minutes, percent x 10^6, half-even; null if cut or not given",
        ),
        required(
            f"label_cut_{minutes}m",
            _BIT,
            "1 where the window runs into closed hours or past the end of the stream: the change is null then",
            at_least=0,
            at_most=1,
        ),
        optional(f"label_end_{minutes}m_ns", _LONG, f"ts_ns + {minutes} minutes; null without a label"),
    )


_BY_TIME = ("venue", "symbol", "ts_ns")

GATE_EVENTS = Table(
    name="silver/gate_events",
    doc="Gates as exact integers with the history of their instrument and forward changes, one row a gate.",
    columns=(
        *_IDENTITY,
        _WATERMARK,
        *GATE_INPUTS,
        *_TWINS,
        *(column for minutes in GATE_HORIZONS_MIN for column in _labels(minutes)),
    ),
    sort_by=_BY_TIME,
    key=_BY_TIME,
)

GATE_ROC_DATASET = Table(
    name="gold/training/gate_roc",
    doc="Gates with sign and size of the forward change at every horizon; label windows of neighbours overlap.",
    columns=(
        *_IDENTITY,
        _WATERMARK,
        *GATE_INPUTS,
        *(
            optional(f"sign_forward_{minutes}m", _BIT, "1 up, 0 down; null if unchanged or cut", at_least=0, at_most=1)
            for minutes in GATE_HORIZONS_MIN
        ),
        *(
            optional(f"size_forward_{minutes}m_pct_x1e6", _LONG, "absolute change, percent x 10^6; null if cut")
            for minutes in GATE_HORIZONS_MIN
        ),
        optional("label_end_ns", _LONG, "end of the row's longest label; what a purge needs; null without a label"),
    ),
    sort_by=_BY_TIME,
    key=_BY_TIME,
)
