"""What sellers really deliver: metered computation and tables of data."""
