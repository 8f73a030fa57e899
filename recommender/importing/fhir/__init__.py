"""FHIR R4 with AU Base profiles: resources into the four tables, and a form as a Questionnaire."""
