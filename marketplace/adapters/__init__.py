"""The outside world, one technology a module; adapters do not know each other."""
