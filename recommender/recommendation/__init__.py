"""From one intake to a ranked, explained shortlist; also for many clients at once."""
