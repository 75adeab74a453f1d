"""Feature groups: each module declares columns and the function of a `Moment` that fills them."""
