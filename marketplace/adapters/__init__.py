"""The outside world, one technology a module; none knows another."""
