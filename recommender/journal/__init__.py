"""What was shown, decided and rated, as it happened: rows are added, never changed.

Every `record_*` function writes through an open transaction of the store and leaves one row in the
audit chain; the caller decides what else belongs to the same transaction.
"""
