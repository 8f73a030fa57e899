"""What a practice may declare: kinds of answers, fields, matches, constraints."""
