"""Settings of operations, from the `ml:` block of a YAML file (ML spec 12.13)."""
