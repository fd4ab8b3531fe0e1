"""Migrations, oldest first; only forward (style: Database). Generated ones are edited by nobody."""
