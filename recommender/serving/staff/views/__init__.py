"""What the staff pages show, computed from stored responses and records."""
