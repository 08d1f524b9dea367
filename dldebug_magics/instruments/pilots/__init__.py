"""Short trainings on copies, and what one change does to the error: data that all runs share, a plain loop, paired differences."""
