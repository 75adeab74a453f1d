"""Bundles: a corpus or a model packed for another machine, and unpacked only if every byte is what was packed."""
