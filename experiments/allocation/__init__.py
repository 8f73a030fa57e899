"""What allocating a waiting list at once gains over one client after the other, truth known."""
