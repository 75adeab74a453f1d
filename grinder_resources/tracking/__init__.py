"""Runs of training told to an MLflow server, where one is asked for."""
