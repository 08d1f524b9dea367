"""What one look or one pass shows about a subject: small observations that several experiments share, and that are no magics."""
