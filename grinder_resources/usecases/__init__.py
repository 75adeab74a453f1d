"""The use cases: what each model is for, held against what it would have earned or foretold."""
