"""What the tensors of a model say: one module a task, keyed by the contract's `task` (docs/contract.md)."""
