"""The mistakes: where, what, and which tests should notice."""

from dataclasses import dataclass

CONFORMANCE = "tests/conformance"
ORTC = "tests/unit/media_plane/ortc"


@dataclass(slots=True, frozen=True)
class Mutation:
    """One planted mistake.

    Attributes:
        name: what goes wrong.
        path: of the file, from the repository's root.
        right: text that stands in the file exactly once.
        wrong: what it becomes.
        tests: files or folders of tests, from the root, of which at least one test must fail.
    """

    name: str
    path: str
    right: str
    wrong: str
    tests: tuple[str, ...]


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "the worker is not told that a consumer closed",
        "media_plane/sfu/consumer.py",
        'if reason == "closed":',
        'if reason == "transport_closed":',
        (f"{CONFORMANCE}/test_media_consumers.py",),
    ),
    Mutation(
        "what a cancelled call made stays in the worker",
        "media_plane/sfu/creator.py",
        "creates=object_id, undo=undo)",
        "creates=object_id)",
        ("tests/unit/media_plane/sfu/test_creator.py", "tests/contract/worker/test_object_tree.py"),
    ),
    Mutation(
        "a closed router leaves its observers open",
        "media_plane/sfu/router.py",
        "for child in (*self.transports, *self.rtp_observers):",
        "for child in self.transports:",
        (f"{CONFORMANCE}/test_active_speaker.py",),
    ),
    Mutation(
        "a pause does not reach the other side of a pipe",
        "media_plane/sfu/router_pipes.py",
        "consumer.on_pause(lambda: producer.post_paused(paused=True))",
        "consumer.on_pause(lambda: None)",
        (f"{CONFORMANCE}/test_pipes.py",),
    ),
    Mutation(
        "a pipe that failed leaves its transports",
        "media_plane/sfu/router_pipes.py",
        "if self.users > 0:",
        "if self.users >= 0:",
        (f"{CONFORMANCE}/test_pipes.py",),
    ),
    Mutation(
        "a stream is handed out again at once",
        "media_plane/sfu/data_transport.py",
        "self._next_stream_id = stream_id + 1",
        "self._next_stream_id = stream_id",
        (f"{CONFORMANCE}/test_data_consumers.py",),
    ),
    Mutation(
        "all simulcast streams of a producer become one",
        "media_plane/ortc/producing.py",
        "mapped_ssrc=first_ssrc + index,",
        "mapped_ssrc=first_ssrc,",
        (f"{CONFORMANCE}/test_negotiation.py", ORTC),
    ),
    Mutation(
        "viewers without retransmission are offered it",
        "media_plane/ortc/consuming.py",
        "if not enable_rtx and is_rtx(codec):",
        "if enable_rtx and is_rtx(codec):",
        (f"{CONFORMANCE}/test_negotiation.py", ORTC),
    ),
    Mutation(
        "a pipe carries what belongs to one hop",
        "media_plane/ortc/piping.py",
        "if ext.uri not in _ONE_HOP_EXTENSIONS]",
        "]",
        (f"{CONFORMANCE}/test_pipe_transports.py", ORTC),
    ),
    Mutation(
        "order together with a limit is let through",
        "media_plane/ortc/sctp.py",
        "if params.ordered and is_limited:",
        "if not params.ordered and is_limited and params.ordered:",
        (f"{CONFORMANCE}/test_data_producers.py",),
    ),
)
