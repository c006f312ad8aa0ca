"""The ledger of claims, and what the stored tables say of each."""
