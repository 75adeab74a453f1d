"""Versioned feature sets: declared once in YAML manifests, evaluated by one set of functions."""
