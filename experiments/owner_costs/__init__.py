"""What running the system costs a practice: a server, disk, and hours of people."""
