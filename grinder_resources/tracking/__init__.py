"""Tracking: what a training run was and how good, told to MLflow, where someone asked for that.

    artifact (and walk-forward) -> facts -> one run in an MLflow store

An artifact says all of it already, and the registry decides without it; a tracking server is a place to look at many
runs side by side. So tracking is off unless asked for, is an optional extra, and cannot stop a model from being made.
"""
