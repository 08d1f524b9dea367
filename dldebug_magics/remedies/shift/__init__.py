"""What the guide does about a distribution shift: a file a remedy."""
