"""Money of gate trades, exact: units of base currency, prices in quote currency x 10^6, money in micro-dollars.

    XXX_USD    units = position // price       earned = units x (exit - entry)
    USD_XXX    units = position in dollars     earned = units x (exit - entry) / exit, half-even
    others     quoted in dollars, as XXX_USD

A position is worth EXPOSURE_PPM of the account, and no more than RISK_PPM of it: 1,000 dollars of 100,000. It is the
same for every trade, so that nothing compounds. Each side costs a share of the amount traded.
"""

from dataclasses import dataclass

from grinder_resources.contracts.exact import BPS_X1000, half_even
from grinder_resources.errors import OutOfRange

MICROS = 1_000_000
ACCOUNT_USD = 100_000
EXPOSURE_PPM = 20_000
RISK_PPM = 10_000
POSITION_USD = ACCOUNT_USD * min(EXPOSURE_PPM, RISK_PPM) // MICROS

_DOLLAR = "USD"


@dataclass(frozen=True)
class Position:
    """What is held of one instrument since it was entered.

    side
        +1 bought, -1 sold.
    units
        Base currency, >= 1.
    entry_x1e6
        Price, quote currency x 10^6.
    """

    symbol: str
    side: int
    units: int
    entry_x1e6: int

    def worth(self, price_x1e6: int) -> int:
        """Return what it has earned at a price, before costs, micro-dollars."""
        change = self.side * self.units * (price_x1e6 - self.entry_x1e6)
        return int(half_even(change * MICROS, price_x1e6)) if _dollar_first(self.symbol) else change

    def cost(self, price_x1e6: int, cost_x1000: int) -> int:
        """Return what one side costs at a price, micro-dollars, half-even; cost_x1000 in bps x 1000 of the amount."""
        amount = self.units * (MICROS if _dollar_first(self.symbol) else price_x1e6)
        return int(half_even(amount * cost_x1000, BPS_X1000))


def tradable(symbol: str) -> bool:
    """Return whether the money of a symbol is known in dollars: a pair `AAA_BBB` has to hold the dollar."""
    base, _, quote = symbol.partition("_")
    return not (len(base) == len(quote) == len(_DOLLAR)) or _DOLLAR in (base, quote)


def entered(symbol: str, side: int, price_x1e6: int) -> Position:
    """Return a position of POSITION_USD. Raises OutOfRange where a single unit costs more than that, or nothing."""
    units = POSITION_USD if _dollar_first(symbol) else POSITION_USD * MICROS // price_x1e6 if price_x1e6 > 0 else 0
    if units < 1 or price_x1e6 <= 0:
        raise OutOfRange("a position holds at least one unit", where=symbol, got=f"price {price_x1e6} x 10^-6")
    return Position(symbol, side, units, price_x1e6)


def _dollar_first(symbol: str) -> bool:
    return symbol.startswith(f"{_DOLLAR}_")
