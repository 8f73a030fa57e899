"""How contributions that differ are recognised, on invented practices."""
