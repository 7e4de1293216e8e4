"""Random sequences of all operations, with faults, on random small clouds.

A sequence that fails is printed as a short program, once it is as short as it gets.
"""

from collections.abc import Callable

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from kilonova.hosts import clock
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from moves_cloud import EGRESS, LARGE, SMALL, extended_port, old_port, uuid
from simulation_moves import Moves
from simulation_site import GROUPS, Host, Site, Turn
from simulation_world import new_server

WITH_FPGA = Flavor(
    1, 1024, root_gb=5, name="fpga", extra_specs={"accel:device_profile": "two"}
)
KNOWN = {"small": SMALL, "large": LARGE, "fpga": WITH_FPGA}
NAMED = sorted(KNOWN)
_RUNS = ("active", "stopped")
AMOUNTS = {"100": 100, "499": 499, "501": 501, "all": 1000}

HOSTS = st.builds(
    Host,
    vcpus=st.sampled_from([10, 8, 6, 16]),
    agents=st.sampled_from([2, 1]),
    fpgas=st.sampled_from([4, 0, 3]),
    cell=st.sampled_from([1, 1, 2]),
)
SITES = st.builds(
    Site,
    hosts=st.tuples(HOSTS, HOSTS, HOSTS) | st.tuples(HOSTS, HOSTS, HOSTS, HOSTS),
    same_host=st.booleans(),
    offload_at_once=st.sampled_from([True, False]),
    live_retries=st.sampled_from([-1, 0, 1]),
    crosses=st.sampled_from(["with ports", "alone", ""]),
    leaves=st.booleans(),
)
# Most operations of a sequence, and checks of all that must be true.
STEPS = 25
# The number of a server, or host, among those that there are.
WHICH = st.integers(0, 7)
# None as often as a host: most callers let Nova choose.
WHERE = st.none() | st.integers(0, 3)
# What a flavor or port asks: a known amount, all that one host has left, or one more.
SIZES = st.sampled_from(["small", "large", "fpga", "room", "one more"])
PORTS = st.tuples(
    st.sampled_from(["old", "extended"]),
    st.sampled_from([*AMOUNTS, "room", "one more"]),
)
FAULTS = st.builds(
    Turn,
    caller=st.sampled_from(["admin"] * 8 + ["manager", "member", "reader", "stranger"]),
    fails=st.integers(1, 8),
    times=st.sampled_from([1, 9]),
    error=st.sampled_from(["", "", "aborts", "rolls back"]),
)
CALLS = st.builds(Turn, caller=st.sampled_from(["admin"] * 8 + ["member", "reader"]))
TURNS = CALLS | FAULTS
NOTHING = Turn()
# A move across cells has more steps than any other operation.
LONG = st.builds(
    Turn,
    fails=st.sampled_from([0] * 12 + list(range(1, 18))),
    times=st.sampled_from([1, 1, 2, 9]),
    error=st.sampled_from(["", "", "rolls back"]),
)


def _some(*states: str) -> Callable[["Simulation"], bool]:
    """Ask for a server in one of some states."""
    return lambda self: any(s.vm_state in states for s in self.servers())


class Simulation(RuleBasedStateMachine):
    """Does operations one after the other; all is checked after each."""

    moves: Moves

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "_clock"):
            self._clock.__exit__(None, None, None)

    @initialize(
        site=SITES,
        sizes=st.lists(st.sampled_from(NAMED), min_size=2),
        turn=LONG,
        ends=st.sampled_from(["reverts", "confirms", ""]),
        later=LONG,
    )
    def begin(
        self, site: Site, sizes: list[str], turn: Turn, ends: str, later: Turn
    ) -> None:
        """Servers that are there from the start let most steps have something to do.

        Where they may, one leaves its cell.
        """
        self.moves = Moves(site)
        self._clock = clock.using(lambda: self.moves.now)
        self._clock.__enter__()
        for number, size in enumerate(sizes[:6]):
            count = (number + (site.crosses != "alone")) % 3
            ports = [("extended" if number % 2 else "old", "100")] * count
            group = "soft-anti-affinity" if number % 2 else None
            self.boot(size, 0, ports, group, None, Turn())
        if site.crosses:
            plain = [n for n, size in enumerate(sizes[:6]) if size != "fpga"]
            self.leave_cell(plain[-1] if plain else 0, 0, turn, ends, later)

    @rule(
        size=SIZES,
        where=WHICH,
        ports=st.lists(PORTS, max_size=2),
        group=st.none() | st.sampled_from(GROUPS),
        to=WHERE,
        turn=TURNS,
    )
    def boot(
        self,
        size: str,
        where: int,
        ports: list[tuple[str, str]],
        group: str | None,
        to: int | None,
        turn: Turn,
    ) -> None:
        server = new_server(self._next(), self._flavor(size, where), group)
        server.ports = tuple(self._port(port, where) for port in ports)
        self.moves.boot(server, 1, self._host(to), turn)
        self._tell(server)

    @rule(
        size=SIZES, where=WHICH, group=st.none() | st.sampled_from(GROUPS), turn=TURNS
    )
    def boot_two(self, size: str, where: int, group: str | None, turn: Turn) -> None:
        server = new_server(self._next(), self._flavor(size, where), group)
        self.moves.boot(server, 2, None, turn)

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, size=SIZES, where=WHICH, turn=TURNS)
    def resize(self, which: int, size: str, where: int, turn: Turn) -> None:
        flavor = self._flavor(size, where)
        self._with(which, lambda s: self.moves.migrate(s, flavor, None, turn), _RUNS)

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, to=WHERE, turn=TURNS)
    def migrate(self, which: int, to: int | None, turn: Turn) -> None:
        host = self._host(to)
        self._with(which, lambda s: self.moves.migrate(s, None, host, turn), _RUNS)

    @precondition(lambda self: self.moves.site.crosses and _some(*_RUNS)(self))
    @rule(
        which=WHICH,
        to=WHICH,
        turn=LONG,
        ends=st.sampled_from(["", "reverts", "confirms"]),
        later=LONG,
    )
    def leave_cell(
        self, which: int, to: int, turn: Turn, ends: str = "", later: Turn = NOTHING
    ) -> None:
        """Migrate a server to a host of another cell, if there is one."""

        def work(server: Server) -> None:
            if hosts := self.moves.strangers(server):
                self.moves.migrate(server, None, hosts[to % len(hosts)], turn)
                self.moves.check()
            if ends and server.vm_state == "resized":
                self._tell(server)
                end = self.moves.revert if ends == "reverts" else self.moves.confirm
                end(server, later)

        self._with(which, work, _RUNS)

    @precondition(_some("resized"))
    @rule(which=WHICH, turn=TURNS | LONG)
    def confirm(self, which: int, turn: Turn) -> None:
        self._with(which, lambda s: self.moves.confirm(s, turn), ("resized",))

    @precondition(_some("resized"))
    @rule(which=WHICH, turn=TURNS | LONG)
    def revert(self, which: int, turn: Turn) -> None:
        self._with(which, lambda s: self.moves.revert(s, turn), ("resized",))

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, to=WHERE, force=st.booleans(), turn=TURNS)
    def live_migrate(self, which: int, to: int | None, force: bool, turn: Turn) -> None:
        host = self._host(to)
        self._with(
            which, lambda s: self.moves.live_migrate(s, host, force, turn), ("active",)
        )

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, to=WHERE, fails=st.sampled_from([True, True, False]), turn=TURNS)
    def evacuate(self, which: int, to: int | None, fails: bool, turn: Turn) -> None:
        def work(server: Server) -> None:
            if fails and server.node is not None:
                self.moves.set_up(server.node, up=False)
            self.moves.evacuate(server, self._host(to), turn)

        self._with(which, work, (*_RUNS, "error"))

    @precondition(lambda self: any(s.node in self.moves.up() for s in self.servers()))
    @rule(which=WHICH, improve=st.sampled_from([False] * 5 + [True]))
    def host_fails(self, which: int, improve: bool) -> None:
        """All servers of a host are evacuated by one plan."""
        hosts = sorted({s.node for s in self.servers() if s.node} & self.moves.up())
        self.moves.host_fails(hosts[which % len(hosts)], improve)
        note(f"#   down: {sorted(self.moves.down)}")

    @precondition(lambda self: bool(self.moves.down))
    @rule(which=WHICH)
    def host_returns(self, which: int) -> None:
        down = sorted(self.moves.down)
        if down:
            self.moves.host_returns(down[which % len(down)])
            note(f"#   down: {sorted(self.moves.down)}")

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, offload=st.sampled_from([False, False, True]), turn=TURNS)
    def shelve(self, which: int, offload: bool, turn: Turn) -> None:
        states = ("shelved",) if offload else _RUNS
        self._with(which, lambda s: self.moves.shelve(s, offload, turn), states)

    @precondition(_some("shelved", "shelved_offloaded"))
    @rule(which=WHICH, to=WHERE, turn=TURNS)
    def unshelve(self, which: int, to: int | None, turn: Turn) -> None:
        host = self._host(to)
        states = ("shelved_offloaded", "shelved")
        self._with(which, lambda s: self.moves.unshelve(s, host, turn), states)

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, image=st.sampled_from(["i1", "i2"]), turn=TURNS)
    def rebuild(self, which: int, image: str, turn: Turn) -> None:
        self._with(which, lambda s: self.moves.rebuild(s, image, turn), _RUNS)

    @precondition(_some("active", "stopped", "rescued"))
    @rule(which=WHICH, turn=TURNS)
    def rescue(self, which: int, turn: Turn) -> None:
        states = ("rescued",) if _some("rescued")(self) else _RUNS
        self._with(which, lambda s: self.moves.rescue(s, turn), states)

    @precondition(lambda self: len(self.servers()) > 1)
    @rule(which=WHICH, turn=TURNS)
    def delete(self, which: int, turn: Turn) -> None:
        self._with(which, lambda s: self.moves.delete(s, turn))

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH, port=PORTS, where=WHICH, turn=TURNS)
    def attach(self, which: int, port: tuple[str, str], where: int, turn: Turn) -> None:
        self._next()
        name = self._port(port, where)
        self._with(which, lambda s: self.moves.attach(s, name, turn), _RUNS)

    @precondition(lambda self: any(s.ports for s in self.servers()))
    @rule(which=WHICH, place=st.integers(0, 2), turn=TURNS)
    def detach(self, which: int, place: int, turn: Turn) -> None:
        having = [server for server in self.servers() if server.ports]
        server = having[which % len(having)]
        self.moves.detach(server, server.ports[place % len(server.ports)], turn)
        self._tell(server)

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH)
    def stop(self, which: int) -> None:
        self._with(which, self.moves.stop, ("active",))

    @precondition(_some("active", "stopped"))
    @rule(which=WHICH)
    def lose_and_heal(self, which: int) -> None:
        self._with(which, self.moves.lose, _RUNS)

    @invariant()
    def books_are_right(self) -> None:
        if hasattr(self, "moves"):
            self.moves.check()

    def servers(self) -> list[Server]:
        """Give the servers that there are."""
        return list(self.moves.records.servers.values())

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _host(self, which: int | None) -> str | None:
        names = self.moves.site.names
        return None if which is None else names[which % len(names)]

    def _flavor(self, size: str, where: int) -> Flavor:
        if size in KNOWN:
            return KNOWN[size]
        host = self._host(where) or ""
        vcpus = max(1, self.moves.room(host, "VCPU") + (size == "one more"))
        return Flavor(vcpus, 1024, root_gb=5, name=f"{vcpus} VCPU")

    def _port(self, port: tuple[str, str], where: int) -> str:
        form, size = port
        name = f"port {self.count} {len(self.moves.records.ports)}"
        amount = AMOUNTS.get(size) or self._bandwidth(where, size == "one more")
        made = (old_port if form == "old" else extended_port)(name, amount)
        self.moves.records.ports[uuid(name)] = made
        return uuid(name)

    def _bandwidth(self, where: int, more: bool) -> int:
        agent = f"{self._host(where)}:agent:eth0"
        used = self.moves.cloud.usages(agent)[EGRESS]
        return max(1, 1000 - used + more)

    def _with(
        self,
        which: int,
        work: Callable[[Server], None],
        states: tuple[str, ...] = (),
    ) -> None:
        """Do something with a server, mostly one that is in one of some states."""
        servers = self.servers()
        fitting = [server for server in servers if server.vm_state in states]
        chosen = fitting if fitting and which < 7 else servers
        if chosen:
            server = chosen[which % len(chosen)]
            before = server.host
            work(server)
            self._tell(server, before)

    def _tell(self, server: Server, before: str | None = None) -> None:
        failed = self.moves.faults.failed
        note(
            f"#   {server.uuid[:8]}: {server.vm_state}, {before} -> {server.host}, "
            f"fault {server.fault}, failed {failed}"
        )
