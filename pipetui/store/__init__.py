"""SQLite: one file, one write connection a process, a transaction is one function. Tables have one module each.

The functions of the table modules take a `Tx` and are composed by `service` into one transaction:
`await database.write(lambda tx: …)`.
"""
