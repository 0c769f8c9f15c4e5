"""What we keep: one table of kinds, the kept documents, how they are patched, read and written."""
