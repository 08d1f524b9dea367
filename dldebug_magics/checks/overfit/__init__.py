"""Overfit a single batch: what keeps the loss from reaching its floor."""
