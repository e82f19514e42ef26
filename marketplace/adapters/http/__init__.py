"""HTTP to the outside, on httpx."""
