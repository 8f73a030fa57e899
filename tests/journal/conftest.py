from tests.support.postgres import a_store, a_store_url, cluster, empty_url, migrated_file

__all__ = ["a_store", "a_store_url", "cluster", "empty_url", "migrated_file"]
