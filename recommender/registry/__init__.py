"""The mlflow registry: publish a bundle, name the champion, fetch it again.

What is said to mlflow before it is imported stands here, so that no module can be too early.
"""

import os

# mlflow reads these when it is imported, and it reports to its makers unless told not to.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
# The defaults, 7 retries of 120 s each, leave a person waiting minutes for "not running".
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
