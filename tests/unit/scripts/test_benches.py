import subprocess
import sys
import time

import pytest

from scripts.benches import packets
from scripts.benches.figures import compare, percentile
from scripts.benches.machine import CpuClock, children, resident_bytes

BUSY = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\nprint(flush=True)\ninput()"


def test_a_ratio_above_one_means_ours_is_better_whatever_the_unit() -> None:
    speed = compare(name="n", unit="joins/s", ours=[30, 10, 20], peer=[10, 10, 10], peer_name="p")
    cost = compare(name="n", unit="ms", ours=[5, 5, 5], peer=[5, 20, 10], peer_name="p", less_is_better=True)

    assert (speed.ours, speed.ratio, speed.ours_range) == (20, 2.0, (10, 30))
    assert (cost.peer, cost.ratio, cost.peer_range) == (10, 2.0, (5, 20))


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.99, 100), (1.0, 100), (0.0, 1)])
def test_percentiles_are_taken_by_rank(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_the_cpu_and_memory_of_another_process_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        clock = CpuClock(busy.pid)

        busy.stdout.readline()

        assert clock.seconds() >= 0.15
        assert resident_bytes(busy.pid) > 1 << 20
        busy.communicate(b"\n")


def test_children_of_children_are_found() -> None:
    with subprocess.Popen(["sh", "-c", "sh -c 'sleep 30 & echo $!; wait' & wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        sleeper = int(shell.stdout.readline())

        found = children(shell.pid)

        assert sleeper in found
        assert len(found) == 2
        for pid in (sleeper, shell.pid):
            subprocess.run(["kill", str(pid)], check=True)


def test_only_packets_of_the_sender_are_counted_and_tell_when_they_left() -> None:
    before_ns = time.time_ns()

    packet = packets._packet(7, 1000, 300)

    assert len(packet) == packets.PACKET_BYTES
    assert packets.is_ours(packet)
    assert before_ns <= packets.sent_at_ns(packet) <= time.time_ns()
    assert not packets.is_ours(b"\x80\x7f" + bytes(1198))


def test_the_first_packet_of_a_second_is_a_key_frame() -> None:
    starts = [packets._packet(number, 1000, 300)[12:16] for number in (0, 1, 299, 300)]

    # The lowest bit of a VP8 frame's first byte, behind the one-byte descriptor, is 0 in a key frame (RFC 6386, 9.1).
    assert [start[1] & 1 for start in starts] == [0, 1, 1, 0]
