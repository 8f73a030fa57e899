"""What Alembic runs to upgrade the store, inside the transaction of its caller."""

from alembic import context

# Alembic neither begins nor commits a transaction on a connection that is in one.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
