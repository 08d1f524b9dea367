"""What the guide does about under-fitting: a file a remedy."""
