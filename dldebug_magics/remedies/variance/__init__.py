"""What the guide does about over-fitting: a file a remedy."""
