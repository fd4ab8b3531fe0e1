"""PostgreSQL. Every SQL statement is here: `database` is the only way in, each noun has a file of statements.

Tables and migrations are Piccolo's; the statements run on asyncpg inside a scope (`Transaction`), one at a time. Functions
take the open scope first and answer domain values. May import domain only.
"""
