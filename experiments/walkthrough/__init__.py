"""One retraining, cell by cell, for a data scientist who is new here."""
