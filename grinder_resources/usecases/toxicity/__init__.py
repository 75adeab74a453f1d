"""Use case: toxicity. How wild the next minute will be, whether that is a change, and what it costs whoever rests."""
