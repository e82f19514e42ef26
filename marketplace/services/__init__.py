"""Use cases of the registry, on ports alone."""
