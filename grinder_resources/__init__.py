"""How: plain functions and facts, importable without Dagster. The graph that uses them is `grinder_assets`."""
