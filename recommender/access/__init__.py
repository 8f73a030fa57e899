"""Who may do what: scopes and roles, keys of programs, accounts and sessions of staff."""
