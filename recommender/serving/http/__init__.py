"""HTTP concerns: request context, body limits, strict JSON, problems, metrics, logs, overload."""
