// Proof systems: one folder each, from bytes to a verdict.
