"""Published FHIR examples read as an import reads them, from files and from a server."""
