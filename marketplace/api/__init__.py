"""The registry over HTTP; it receives its services and builds none."""
