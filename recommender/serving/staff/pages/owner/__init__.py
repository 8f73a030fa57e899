"""Pages for the owner of a practice: accounts, keys, privacy requests, audit check, backups."""
