"""Piccolo's entry: the owner's connection and our app, for migrations only. The running system uses `stores/database.py`.

Building the engine connects at once, so nothing but migrations may import this.
"""

from __future__ import annotations

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from control_plane.settings import read_migration_settings

DB = PostgresEngine(config={"dsn": read_migration_settings().owner_url})
APP_REGISTRY = AppRegistry(apps=["control_plane.stores.piccolo_app"])
