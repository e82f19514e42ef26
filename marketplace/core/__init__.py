"""The pure core: read errors, values, eip712, … top to bottom.

Nothing here does I/O, reads a clock, draws randomness or uses a float. The
registry, the SDK and the auditor all run these same functions.
"""
