"""Reads roster, hours, absences, next free times and sessions from Cliniko; never writes there."""
