"""The engine: Subject -> Observation -> Check -> Finding -> Report, and the verb `examine`. It knows torch and no screen."""
