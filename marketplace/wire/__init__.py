"""What crosses HTTP: views of answers, and problems. Signed messages parse in core."""
