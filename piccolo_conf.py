"""Piccolo's entry: the owner's connection and our app, for migrations only. The running system uses `stores/database.py`.

Building the engine connects at once, so nothing but migrations may import this.
"""

from __future__ import annotations

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from control_plane.settings import read_migration_settings
from control_plane.stores.migrating import SESSION

DB = PostgresEngine(config={"dsn": read_migration_settings().owner_url, "server_settings": SESSION})
APP_REGISTRY = AppRegistry(apps=["control_plane.stores.piccolo_app"])
