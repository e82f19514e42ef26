"""What crosses HTTP: views and problems; signed messages parse in core."""
