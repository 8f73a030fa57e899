"""The matching page: clients answer a few questions and see who fits. Off unless switched on."""
