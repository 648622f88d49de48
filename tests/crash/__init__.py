"""The crash matrix: a sale in a process of its own, disturbed at an exact moment, and what is left afterwards."""
