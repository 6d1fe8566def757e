"""The suite of a remote."""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from suppress.stores.contract import Held, Lease, LeaseLost
from suppress.stores.remote import PartGone, Remote
from suppress.testing.leases import LEASE, NAME, OTHER_NAME, LeaseContract, is_free

KEY, OTHER_KEY = NAME, OTHER_NAME
PROMPT = 1.0
"""Seconds within which a change is heard of."""

PAUSE = 0.1

OpeningRemote = Callable[[], Remote]
LosingLease = Callable[[str], None]


class RemoteContract(LeaseContract):
    """Tests of a remote; subclass it, and give the fixture `opening`.

    Give the fixture `losing` as well, if you can: a lease that is lost is the worst day.
    """

    @pytest.fixture
    def opening(self) -> OpeningRemote:
        """Return a function that opens a remote, always to the same place, empty at first.

        Each call stands for another machine. The test calls `close` of each.
        """
        raise NotImplementedError("give a fixture named `opening`")

    @pytest.fixture
    def losing(self) -> LosingLease | None:
        """Return a function that makes the holder of a name lose its lease; None if none can."""
        return None

    @pytest.fixture
    def remotes(self, opening: OpeningRemote) -> Iterator[tuple[Remote, Remote]]:
        """Yield the remotes of two machines."""
        with contextlib.closing(opening()) as one, contextlib.closing(opening()) as two:
            yield one, two

    @pytest.fixture
    def holders(self, remotes: tuple[Remote, Remote]) -> tuple[Remote, Remote]:
        """Return the remotes of two machines."""
        return remotes

    def test_is_empty_at_first(self, remotes: tuple[Remote, Remote]) -> None:
        """A new remote has no head, no failure, and a name for messages."""
        for remote in remotes:
            assert remote.head(KEY) is None
            assert remote.failure(KEY) is None
            assert remote.describe()

    def test_keeps_every_byte(self, remotes: tuple[Remote, Remote]) -> None:
        """Head and parts come back as they were published, large, small and empty ones."""
        one, two = remotes
        large = os.urandom(1 << 20)
        parts = (large[:3], large, bytes(range(256)), b"")
        with one.exclusive(KEY, LEASE) as lease:
            one.publish(
                KEY,
                head := bytes(range(256)),
                {digest(each): iter([each[:100_000], each[100_000:]]) for each in parts},
                lease,
            )
        for remote in (one, two):
            assert remote.head(KEY) == head
            for part in parts:
                assert b"".join(remote.part(KEY, digest(part))) == part

    def test_replaces_the_head_and_keeps_parts(self, remotes: tuple[Remote, Remote]) -> None:
        """A part that is there is not asked for; the old parts stay for their readers."""
        one, two = remotes
        publish(one, b"1", b"stays", b"goes")
        reading = two.part(KEY, digest(b"goes"))

        def refusing() -> bytes:
            pytest.fail("the part was sent again")

        with two.exclusive(KEY, LEASE) as lease:
            parts: Mapping[str, Iterator[bytes]] = {
                digest(b"stays"): iter(refusing, b""),
                digest(b"new"): iter([b"new"]),
            }
            two.publish(KEY, b"2", parts, lease)
        for remote in (one, two):
            assert remote.head(KEY) == b"2"
            assert b"".join(remote.part(KEY, digest(b"stays"))) == b"stays"
            assert b"".join(remote.part(KEY, digest(b"new"))) == b"new"
        with contextlib.suppress(PartGone):
            assert b"".join(reading) == b"goes"

    def test_a_part_that_is_not_there_is_gone(self, remotes: tuple[Remote, Remote]) -> None:
        """The reader reads the head again."""
        for remote in remotes:
            with pytest.raises(PartGone):
                b"".join(remote.part(KEY, digest(b"nothing")))

    def test_keeps_keys_apart(self, remotes: tuple[Remote, Remote]) -> None:
        """A change under one key leaves another untouched."""
        one, two = remotes
        publish(one, b"1", b"one")
        publish(one, b"2", b"two", key=OTHER_KEY)
        two.fail(OTHER_KEY, b"failed")
        with one.exclusive(OTHER_KEY, LEASE) as lease:
            one.discard(OTHER_KEY, lease)
        assert two.head(KEY) == b"1"
        assert b"".join(two.part(KEY, digest(b"one"))) == b"one"
        assert two.failure(KEY) is None

    def test_keeps_a_failure_until_a_head_is_published(
        self, remotes: tuple[Remote, Remote]
    ) -> None:
        """The latest failure counts, and publishing ends it."""
        one, two = remotes
        one.fail(KEY, b"first")
        two.fail(KEY, b"second")
        assert one.failure(KEY) == two.failure(KEY) == b"second"
        assert one.head(KEY) is None
        publish(one, b"1")
        assert one.failure(KEY) is two.failure(KEY) is None

    def test_what_is_discarded_is_sent_again(self, remotes: tuple[Remote, Remote]) -> None:
        """Damaged bytes are replaced, though their digest says that they are there."""
        one, two = remotes
        publish(one, b"1", b"damaged")
        with two.exclusive(KEY, LEASE) as lease:
            two.discard(KEY, lease)
            two.discard(KEY, lease)
        assert one.head(KEY) is None
        with one.exclusive(KEY, LEASE) as lease:
            sent = iter([b"dam", b"aged"])
            one.publish(KEY, b"2", {digest(b"damaged"): sent}, lease)
            assert list(sent) == []
        assert two.head(KEY) == b"2"

    @pytest.mark.parametrize("change", ["publish", "fail"])
    def test_tells_the_others_of_a_change(
        self, remotes: tuple[Remote, Remote], change: str
    ) -> None:
        """A change is in force when it is told of, which is at once."""
        one, two = remotes
        assert two.news(PROMPT), "the first call says that there may have been changes"
        while two.news(0.0):
            pass
        began = time.monotonic()
        assert not two.news(PAUSE)
        assert time.monotonic() > began + PAUSE / 2, "it did not wait"
        with ThreadPoolExecutor(1) as pool:
            hearing = pool.submit(two.news, 30.0)
            time.sleep(PAUSE)
            publish(one, b"1") if change == "publish" else one.fail(KEY, b"1")
            changed = time.monotonic()
            assert hearing.result()
            assert time.monotonic() - changed < PROMPT
        assert two.head(KEY) == (b"1" if change == "publish" else None)
        assert two.failure(KEY) == (b"1" if change == "fail" else None)

    def test_misses_no_change(self, remotes: tuple[Remote, Remote]) -> None:
        """A change between two calls is told of by the second one."""
        one, two = remotes
        two.news(PROMPT)
        for place in range(20):
            publish(one, str(place).encode())
            assert two.news(30.0)
            while two.news(0.0):
                pass

    def test_a_holder_that_runs_keeps_its_lease(self, remotes: tuple[Remote, Remote]) -> None:
        """The seconds of a lease are those without a sign of life, not those of the block."""
        one, two = remotes
        with one.exclusive(KEY, 0.5) as lease:
            until = time.monotonic() + 1.2
            while time.monotonic() < until:
                assert not is_free(two)
                time.sleep(0.05)
            lease.check()
            one.publish(KEY, b"1", {}, lease)
        assert two.head(KEY) == b"1"

    def test_an_ended_lease_changes_nothing(self, remotes: tuple[Remote, Remote]) -> None:
        """Nor does one for another key."""
        one, two = remotes
        publish(one, b"first")
        with one.exclusive(KEY, LEASE) as ended:
            pass
        with pytest.raises(LeaseLost):
            ended.check()
        self._refuses(one, ended)
        with two.exclusive(KEY, LEASE):
            self._refuses(one, ended)
        with one.exclusive(OTHER_KEY, LEASE) as other:
            self._refuses(one, other)
        assert two.head(KEY) == b"first"

    def test_a_lost_lease_changes_nothing(
        self, remotes: tuple[Remote, Remote], losing: LosingLease | None
    ) -> None:
        """Publishing is refused once another machine may hold the name, and when it does."""
        if losing is None:
            pytest.skip("no lease can be lost, or this suite was not told how")
        one, two = remotes
        publish(one, b"first")
        with one.exclusive(KEY, LEASE) as lost:
            losing(KEY)
            self._refuses(one, lost)
            with two.exclusive(KEY, LEASE, wait=10) as lease:
                self._refuses(one, lost)
                two.publish(KEY, b"second", {}, lease)
                self._refuses(one, lost)
            assert one.head(KEY) == b"second"
        assert is_free(one)

    @staticmethod
    def _refuses(remote: Remote, lease: Lease) -> None:
        with pytest.raises(LeaseLost):
            remote.publish(KEY, b"refused", {digest(b"part"): iter([b"part"])}, lease)
        with pytest.raises(LeaseLost):
            remote.discard(KEY, lease)

    def test_serves_many_threads(self, remotes: tuple[Remote, Remote]) -> None:
        """A head and its part belong together, however reading and publishing meet."""
        one, two = remotes
        publish(one, *content(0))
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                head = two.head(KEY)
                assert head is not None
                with contextlib.suppress(PartGone):
                    assert b"".join(two.part(KEY, digest(head))) == head

        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(look) for _ in range(3)]
            try:
                for place in range(20):
                    publish(one, *content(place))
            finally:
                done.set()
            for each in looks:
                each.result()

    def test_goes_on_after_it_was_closed(self, remotes: tuple[Remote, Remote]) -> None:
        """A later call makes new connections."""
        one, two = remotes
        publish(one, b"1")
        two.news(PROMPT)
        two.close()
        two.close()
        assert two.head(KEY) == b"1"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_serves_on_both_sides_of_a_fork(self, remotes: tuple[Remote, Remote]) -> None:
        """The child makes connections of its own; the lease of the parent stays."""
        one, two = remotes
        publish(one, b"1", b"part")
        one.news(PROMPT)
        with one.exclusive(OTHER_KEY, LEASE) as lease:
            child = os.fork()
            if child == 0:
                os._exit(0 if _serves_after_fork(one) else 1)
            assert os.waitpid(child, 0)[1] == 0
            lease.check()
            with pytest.raises(Held), two.exclusive(OTHER_KEY, LEASE):
                pass
        assert one.head(KEY) == b"2"
        assert one.news(30.0), "the child published"


def _serves_after_fork(remote: Remote) -> bool:
    try:
        remote.after_fork_in_child()
        with contextlib.suppress(Held), remote.exclusive(OTHER_KEY, LEASE):
            return False
        if b"".join(remote.part(KEY, digest(b"part"))) != b"part":
            return False
        publish(remote, b"2", b"part")
    except BaseException:  # noqa: BLE001 - nothing may go on as if this were the parent
        return False
    return remote.head(KEY) == b"2"


def publish(remote: Remote, head: bytes, *parts: bytes, key: str = KEY) -> None:
    """Publish a head and parts under a lease of its own."""
    with remote.exclusive(key, LEASE, wait=30) as lease:
        remote.publish(key, head, {digest(part): iter([part]) for part in parts}, lease)


def content(place: int) -> tuple[bytes, bytes]:
    """Return a head and a part with the same bytes."""
    head = f"head {place % 3}".encode()
    return head, head


def digest(part: bytes) -> str:
    """Return the name of a part."""
    return hashlib.sha256(part).hexdigest()
