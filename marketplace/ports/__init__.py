"""What the inside needs of the outside: Protocols, one role each."""
