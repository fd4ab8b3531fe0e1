"""The node's id."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from media_plane.agent.identity import NodeIdentity
from media_plane.agent.settings import BadSettings


def test_the_id_is_made_once_and_kept(tmp_path: Path) -> None:
    first = NodeIdentity(tmp_path / "node")
    first.close()
    second = NodeIdentity(tmp_path / "node")

    assert second.node_id == first.node_id == str(uuid.UUID(first.node_id))
    second.close()
    second.close()


def test_a_second_agent_may_not_wear_the_same_id(tmp_path: Path) -> None:
    first = NodeIdentity(tmp_path)

    with pytest.raises(BadSettings, match="already runs"):
        NodeIdentity(tmp_path)

    first.close()


def test_a_file_that_holds_no_id_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node_id").write_text("not an id")

    with pytest.raises(BadSettings, match="UUID"):
        NodeIdentity(tmp_path)


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BadSettings, match="TR_NODE_DATA_DIR"):
        NodeIdentity(tmp_path / "file" / "node")
