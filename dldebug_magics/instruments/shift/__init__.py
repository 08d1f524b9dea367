"""Whether two samples come from one distribution, where they differ, and what that does to the error: arrays of numbers, no models."""
