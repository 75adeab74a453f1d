"""The signal runtime: a snapshot in, a signal or a refusal out, within a deadline, always."""
