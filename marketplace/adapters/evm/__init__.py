"""The chain: everything that speaks JSON-RPC to an EVM, or is one."""
