"""What ``parley`` does, a module each: what one needs, no other reads."""
