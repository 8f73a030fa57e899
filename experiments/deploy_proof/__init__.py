"""Runs the Dockerfile, `compose.yaml` and the commands of `deploy/README.md` in Debian roots.

For machines without a container engine: chroot and namespaces take its place.
"""
