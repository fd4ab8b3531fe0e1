"""The least a forwarder can do, as a floor: every packet that comes goes out again to every sink.

python -m scripts.benches.relay IP SINK_PORT...     prints the port it listens on, then relays until it is ended
"""

import socket
import sys

_LARGEST_DATAGRAM_BYTES = 65_535


def main() -> None:
    """Relay for ever."""
    ip, *ports = sys.argv[1:]
    sinks = [(ip, int(port)) for port in ports]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as both:
        both.bind((ip, 0))
        sys.stdout.write(f"{both.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            packet = both.recv(_LARGEST_DATAGRAM_BYTES)
            for sink in sinks:
                both.sendto(packet, sink)


if __name__ == "__main__":
    main()
