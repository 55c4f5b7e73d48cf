"""Trials trained together: hundreds of small networks as one batched computation."""
