"""The face of dldebug in IPython: what is typed after a `%`, what is drawn while it runs, what Tab offers. It knows nothing of models."""
