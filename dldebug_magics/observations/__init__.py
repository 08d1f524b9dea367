"""Experiments, a file (or a folder) each: the name is the magic's. `cards` holds what a single pass shows, shared by all of them."""
