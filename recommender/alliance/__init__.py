"""The label: instruments, their scores, how they are put on one scale, and which ratings count."""
