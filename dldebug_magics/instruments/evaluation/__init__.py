"""What a model is worth on a split: one pass in evaluation mode, a metric's sums, and how far chance alone could move them."""
