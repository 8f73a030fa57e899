"""Starts, runs and stops the services of a compose file in roots; their state is in a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.deploy_proof.build import Builder, Image
from experiments.deploy_proof.chroots import PROGRAMS, Chroot, is_running, kill, terminate
from experiments.deploy_proof.compose import Service, read_compose

OFFICIAL = {
    "postgres": ("postgresql", "/var/lib/postgresql/data"),
    "caddy": ("caddy", "/data"),
}
"""Debian's package that stands for an image from elsewhere, and the folder of its data."""
POSTGRES = """
cd /tmp
export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$PGDATA" --locale=C.UTF-8 --encoding=UTF8 -U "$POSTGRES_USER" \
        --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories="$PGDATA"
"""
"""What the entrypoint of PostgreSQL's image does."""
FRONT, LOOPBACK = "172.30.250.2", "127.0.0.1"
"""Addresses of services: of those on the network `front`, and of the others."""
WAIT_SECONDS = 180


@dataclass(slots=True)
class Running:
    """A service that runs: the process outside, and since when its health was asked for."""

    pid: int
    log: str


class Engine:
    """What `docker compose` does here for one compose file.

    Parameters
    ----------
    home
        The folder of roots, volumes and logs; `home/source/deploy` has the compose file.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = home / "source" / "deploy"
        self.services = read_compose(self.project / "compose.yaml")
        self._file = home / "running.json"
        stages = home / "stages"
        stages.mkdir(exist_ok=True)
        dockerfile = self.project / "Dockerfile"
        self._builder = Builder(dockerfile, home / "source", home / "debian", stages)
        self._images_file = home / "images.json"
        if self._images_file.is_file():
            stored = json.loads(self._images_file.read_text("utf-8"))
            self._builder.images = {
                name: Image(**facts | {"root": Path(facts["root"])})
                for name, facts in stored.items()
            }

    def build(self) -> None:
        """Builds every image that the compose file builds."""
        for target in sorted({each.target for each in self.services.values() if each.target}):
            self._builder.build(target)
        self._store_images()

    def usual(self) -> list[str]:
        """The services that are started when none is named."""
        return [name for name, each in self.services.items() if not each.profiles]

    def up(self, names: Sequence[str]) -> None:
        """Starts services with those they need, in order, and waits until each is healthy."""
        for name in self._in_order(names):
            if not self._is_up(name):
                self._start(self.services[name])
            self._wait(self.services[name])

    def run(self, name: str, words: Sequence[str], program: str | None = None) -> int:
        """Runs a service's image once with other arguments, or another program; its exit code."""
        service = self.services[name]
        self.up(service.depends_on)
        chroot, entrypoint, command = self._container(service)
        begin = entrypoint if program is None else [program]
        return chroot.run([*begin, *(words or command)], check=False).returncode

    def execute(self, name: str, words: Sequence[str]) -> int:
        """Runs a command beside a service that runs; its exit code."""
        if not self._is_up(name):
            raise SystemExit(f"service {name} is not running")
        chroot, _, _ = self._container(self.services[name])
        return chroot.run(words, check=False).returncode

    def down(self) -> None:
        """Stops every service, and the network."""
        running = self._running()
        for each in running.values():
            terminate(each.pid)
        until = time.monotonic() + 20
        while any(is_running(each.pid) for each in running.values()) and time.monotonic() < until:
            time.sleep(0.2)
        for each in running.values():
            kill(each.pid)
        holder = self.home / "network.pid"
        if holder.is_file():
            kill(int(holder.read_text()))
            holder.unlink()
        self._file.unlink(missing_ok=True)

    def process_of(self, name: str) -> int:
        """The process outside that a service runs under."""
        return self._running()[name].pid

    def network(self) -> int:
        """The holder of the services' network namespace, started where there is none."""
        file = self.home / "network.pid"
        if file.is_file() and Path(f"/proc/{file.read_text()}").exists():
            return int(file.read_text())
        holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        file.write_text(str(holder.pid))
        time.sleep(0.5)
        inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net", "ip"]
        subprocess.run([*inside, "link", "set", "lo", "up"], check=True)
        subprocess.run([*inside, "address", "add", f"{FRONT}/28", "dev", "lo"], check=True)
        return holder.pid

    def image_of(self, service: Service) -> Image:
        """The image of a service; one from elsewhere is made of Debian's package."""
        if service.target is not None:
            image = self._builder.build(service.target)
            self._store_images()
            return image
        program = service.image.partition(":")[0]
        if program not in self._builder.images:
            self._builder.images[program] = self._official(program)
            self._store_images()
        return self._builder.images[program]

    def _official(self, program: str) -> Image:
        package, data = OFFICIAL[program]
        root = self.home / "stages" / program
        subprocess.run(["cp", "-a", self.home / "debian", root], check=True)
        mounts = {"/etc/resolv.conf:ro": Path("/etc/resolv.conf").resolve()}
        environment = {"PATH": PROGRAMS, "DEBIAN_FRONTEND": "noninteractive"}
        install = f"apt-get update && apt-get install -y --no-install-recommends {package}"
        with (self.home / "stages" / "build.log").open("ab") as log:
            Chroot(root, environment, mounts=mounts).run(["sh", "-c", install], log=log)
        Path(f"{root}{data}").mkdir(parents=True, exist_ok=True)
        image = Image(root, {"PATH": PROGRAMS, "HOME": "/tmp"})
        if program == "postgres":
            owner = "chown postgres:postgres /var/lib/postgresql/data; id -u postgres"
            shown = Chroot(root, environment).command(["sh", "-c", owner])
            uid = subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()
            image.user, image.entrypoint = uid, ["sh", "-ec", POSTGRES]
            image.environment |= {"PGDATA": data, "PGHOST": data}
        else:
            image.environment |= {"XDG_DATA_HOME": data, "XDG_CONFIG_HOME": "/tmp"}
            image.command = ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]
        return image

    def _container(self, service: Service) -> tuple[Chroot, list[str], list[str]]:
        """How a service's image starts: the root, its entrypoint and its command."""
        image = self.image_of(service)
        names = "".join(
            f"{FRONT if 'front' in each.networks else LOOPBACK} {each.name}\n"
            for each in self.services.values()
        )
        hosts = self.home / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{names}")
        mounts = {"/etc/hosts:ro": hosts} | {
            inside: self._volume(outside, inside.partition(":")[0], image)
            for outside, _, inside in (each.partition(":") for each in service.volumes)
        }
        chroot = Chroot(
            root=image.root,
            environment={"HOME": "/tmp"} | image.environment | service.environment,
            user=service.user or image.user,
            workdir=image.workdir,
            mounts=mounts,
            network=self.network(),
            read_only=service.read_only,
            privileges=not service.drops_capabilities,
            capabilities=service.capabilities,
        )
        chroot.prepare_mounts()
        entrypoint = image.entrypoint if service.entrypoint is None else service.entrypoint
        return chroot, entrypoint, service.command or image.command

    def _volume(self, outside: str, inside: str, image: Image) -> Path:
        """The folder of a volume; a named one begins with the owner of the image's folder."""
        if outside.startswith("."):
            return (self.project / outside).resolve()
        folder = self.home / "volumes" / outside
        if not folder.exists():
            folder.mkdir(parents=True)
            place = Path(f"{image.root}{inside}")
            if place.exists():
                owner = place.stat()
                os.chown(folder, owner.st_uid, owner.st_gid)
                folder.chmod(owner.st_mode & 0o7777)
        return folder

    def _start(self, service: Service) -> None:
        chroot, entrypoint, command = self._container(service)
        log = self.home / f"{service.name}.log"
        with log.open("ab") as output:
            pid = chroot.start([*entrypoint, *command], output)
        running = self._running() | {service.name: Running(pid, str(log))}
        stored = {name: asdict(each) for name, each in running.items()}
        self._file.write_text(json.dumps(stored), "utf-8")

    def _wait(self, service: Service) -> None:
        """Waits until a service is healthy, by the test of the compose file or of its image."""
        until = time.monotonic() + WAIT_SECONDS
        chroot, _, _ = self._container(service)
        image = self.image_of(service)
        test = image.health if service.health is None else service.health
        time.sleep(1)
        while self._is_up(service.name):
            if not test:
                return
            probe = subprocess.run(chroot.command(test), capture_output=True, check=False)
            if probe.returncode == 0:
                return
            if time.monotonic() > until:
                break
            time.sleep(1)
        log = Path(self._running()[service.name].log)
        sys.stderr.write("".join(log.read_text("utf-8").splitlines(keepends=True)[-20:]))
        raise SystemExit(f"service {service.name} did not become healthy; see {log}")

    def _in_order(self, names: Sequence[str]) -> list[str]:
        ordered: list[str] = []
        for name in names:
            needed = self._in_order(self.services[name].depends_on)
            ordered += [each for each in [*needed, name] if each not in ordered]
        return ordered

    def _is_up(self, name: str) -> bool:
        running = self._running()
        return name in running and is_running(running[name].pid)

    def _running(self) -> dict[str, Running]:
        if not self._file.is_file():
            return {}
        stored = json.loads(self._file.read_text("utf-8"))
        return {name: Running(**facts) for name, facts in stored.items()}

    def _store_images(self) -> None:
        stored = {
            name: asdict(image) | {"root": str(image.root)}
            for name, image in self._builder.images.items()
        }
        self._images_file.write_text(json.dumps(stored), "utf-8")
