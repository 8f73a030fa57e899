"""What must hold on bad days too, measured: each part gives lines of one table."""
