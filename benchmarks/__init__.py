"""What the project measures of itself: the cost of a diagnosis, and how often it names the right fault."""
