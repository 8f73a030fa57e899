"""A randomised trial of the order: plan, arms, looks and report. Statistics without storage."""
