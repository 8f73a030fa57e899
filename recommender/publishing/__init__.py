"""The mlflow registry: publish a bundle, name the champion, fetch it again."""
