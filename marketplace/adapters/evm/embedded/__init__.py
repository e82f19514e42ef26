"""A small Ethereum node in this process: py-evm behind JSON-RPC."""

CHAIN_ID = 31337
