"""The mlflow registry: publish a bundle, name the champion, fetch it again.

Sets mlflow's environment variables before any module of this package can import it.
"""

import os
import warnings

# mlflow reads these when it is imported; telemetry is on by default.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
# The defaults, 7 retries of 120 s each, leave a person waiting minutes for "not running".
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# In a notebook without ipywidgets, tqdm asks for them when mlflow imports it: no bar is drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")
