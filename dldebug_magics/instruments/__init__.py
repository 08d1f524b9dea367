"""Measuring devices: each attaches to a lent model inside a `with` block and always lets go."""
