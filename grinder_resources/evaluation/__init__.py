"""What a model is worth: scores with intervals, reliability, walk-forward, and the pages that show them."""
