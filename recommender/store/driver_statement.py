"""A statement that the driver of the database executes, without what SQLAlchemy does around each.

For a small statement that takes longer than SQLite itself. SQLAlchemy writes the SQL here too, once
for each kind of database, and its types convert the values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update, exc

Statement = Delete | Insert | Select[Any] | Update
_Conversion = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement for one kind of database.

    Attributes
    ----------
    order
        The parameters in the order of the SQL; None where it names them.
    written, read
        Conversions of parameters by name, and of the columns of a row in their order; None where
        a value stays as it is.
    """

    sql: str
    order: Sequence[str] | None
    written: Mapping[str, _Conversion | None]
    read: Mapping[str, _Conversion | None]

    @classmethod
    def of(cls, statement: Statement, dialect: Dialect) -> "_Compiled":
        compiled = statement.compile(dialect=dialect)
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        read = {each.name: each.type.dialect_impl(dialect) for each in columns}
        written = {name: each.type.dialect_impl(dialect) for name, each in compiled.binds.items()}
        return cls(
            str(compiled),
            compiled.positiontup,
            {name: each.bind_processor(dialect) for name, each in written.items()},
            {name: each.result_processor(dialect, None) for name, each in read.items()},
        )

    def parameters(self, values: Mapping[str, Any]) -> Any:
        converted = {name: _converted(self.written[name], each) for name, each in values.items()}
        return converted if self.order is None else [converted[name] for name in self.order]

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        named = zip(self.read.items(), values, strict=True)
        return {name: _converted(how, each) for (name, how), each in named}


def _converted(conversion: _Conversion | None, value: Any) -> Any:
    return value if conversion is None else conversion(value)


class DriverStatement:
    """A statement of named parameters; its errors are SQLAlchemy's."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def execute(self, connection: Connection, *rows: Mapping[str, Any]) -> int:
        """Executes it for each row of values; gives how many rows of its table it changed."""
        with self._cursor(connection) as (compiled, cursor):
            parameters = [compiled.parameters(row) for row in rows]
            if len(parameters) == 1:
                cursor.execute(compiled.sql, parameters[0])
            else:
                cursor.executemany(compiled.sql, parameters)
            changed: int = cursor.rowcount
            return changed

    def first(self, connection: Connection, **values: Any) -> dict[str, Any] | None:
        """The first row by column; None if there is none."""
        with self._cursor(connection) as (compiled, cursor):
            cursor.execute(compiled.sql, compiled.parameters(values))
            found = cursor.fetchone()
            return None if found is None else compiled.row(found)

    @contextmanager
    def _cursor(self, connection: Connection) -> Iterator[tuple[_Compiled, Any]]:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled.of(self._statement, dialect)
        cursor = connection.connection.cursor()
        try:
            yield compiled, cursor
        except dialect.loaded_dbapi.Error as error:
            # Without the statement and its values.
            raise exc.DBAPIError.instance(
                None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True
            ) from None
        finally:
            cursor.close()
