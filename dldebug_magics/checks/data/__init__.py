"""The data: labels that belong to their inputs, splits that are apart, and nothing broken in them."""
