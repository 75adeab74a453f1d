"""What is made and when: the Dagster graph, one folder a layer, in the order the data flows."""

import warnings

import dagster as dg

# Single-run backfills are the base of this graph and their parameter is marked beta: once is enough to know it.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
