"""What the guide does about an over-used validation set: a file a remedy."""
