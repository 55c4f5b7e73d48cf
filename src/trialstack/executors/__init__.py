"""Executors: how trials are trained. One file a kind, the contract in `base`."""
