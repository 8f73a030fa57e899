"""Request and response models, built from the practice definition, and the OpenAPI document."""
