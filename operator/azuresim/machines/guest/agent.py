"""The guest agent: prepares a new machine, then runs the scripts of Run Command.

It is asked through a socket that the platform shares with the machine, one line of JSON each way:
{"do": "ping"}, {"do": "run", ...} which answers when the script has ended, {"do": "forget", ...}.
All that is known of a run is in its folder, so that a restart of this agent loses none.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PLATFORM = Path("/run/azure")
HOME = Path("/var/lib/waagent")
RUNS = HOME / "run-command-handler"
PROVISIONED = HOME / "provisioned"
POLL_S = 0.05
LONGEST = 1 << 16
"""Bytes of output that are handed over, the last ones."""
TIMED_OUT = -1


def main() -> None:
    """Serve until ended."""
    os.umask(0o077)
    RUNS.mkdir(parents=True, exist_ok=True)
    machine = json.loads((PLATFORM / "machine.json").read_text())
    is_new = not PROVISIONED.exists() or PROVISIONED.read_text() != machine["id"]
    if is_new:
        provision(machine)
        PROVISIONED.write_text(machine["id"])
    path = PLATFORM / "agent.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(64)
        if is_new and machine["custom_data"]:
            subprocess.Popen(["/usr/bin/python3", "/usr/lib/azure/user_data.py"])
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def provision(machine: Mapping[str, Any]) -> None:
    """Give a machine its administrator and its own keys."""
    subprocess.run(["ssh-keygen", "-A"], check=False, capture_output=True)
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {machine['name']}\n")
    Path("/etc/hosts").chmod(0o644)
    user = machine["user"]
    if not user:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", user], check=True)
        entry = pwd.getpwnam(user)
    folder = Path(entry.pw_dir) / ".ssh"
    folder.mkdir(exist_ok=True)
    (folder / "authorized_keys").write_text("".join(f"{key.strip()}\n" for key in machine["keys"]))
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    sudoers = Path("/etc/sudoers.d")
    if sudoers.is_dir():
        (sudoers / "90-azure").write_text(f"{user} ALL=(ALL) NOPASSWD:ALL\n")
        (sudoers / "90-azure").chmod(0o440)


def serve(connection: socket.socket) -> None:
    """Answer on one connection until the other side hangs up."""
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            asked = json.loads(line)
            answer = {"ping": ping, "run": run, "forget": forget}[asked["do"]](asked)
            stream.write(json.dumps(answer).encode() + b"\n")
            stream.flush()


def ping(_asked: Mapping[str, Any]) -> dict[str, Any]:
    """Say that the agent is there."""
    return {"ready": True}


LOCK = threading.Lock()


def run(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run a script once, and return how it ended; one that is known is only waited for."""
    folder = RUNS / asked["id"]
    with LOCK:
        if not folder.is_dir():
            if asked["known"]:
                return {"unknown": True}
            begin(folder, asked)
    while folder.is_dir():
        if (folder / "exit").exists():
            return ending(folder)
        limit = json.loads((folder / "limit").read_text())
        if time.clock_gettime(time.CLOCK_BOOTTIME) > limit["until"] and is_this_boot(limit):
            end(folder)
            settle(folder, TIMED_OUT)
        time.sleep(POLL_S)
    return {"unknown": True}


def begin(folder: Path, asked: Mapping[str, Any]) -> None:
    """Write a script to its folder and start it."""
    draft = folder.with_suffix(".new")
    draft.mkdir(exist_ok=True)
    until = time.clock_gettime(time.CLOCK_BOOTTIME) + asked["timeout_s"]
    (draft / "limit").write_text(json.dumps({"until": until, "boot": boot()}))
    (draft / "script.sh").write_text(asked["text"])
    (draft / "script.sh").chmod(0o700)
    draft.rename(folder)
    try:
        command, surroundings, who = prepared(folder, asked)
    except LookupError as error:
        (folder / "stderr").write_text(str(error))
        settle(folder, 1)
        return
    # The shell that notes the exit code outlives this agent; what it runs is never in its words.
    note = '"$@"; code=$?; echo $code >"$FOLDER/exit.new"; mv "$FOLDER/exit.new" "$FOLDER/exit"'
    line = ["/bin/bash", "-c", f"FOLDER={folder}; {note}", "run-command", *who, *command]
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=surroundings,
            cwd=folder if not who else "/",
            start_new_session=True,
        )
    (folder / "pid").write_text(str(process.pid))
    threading.Thread(target=process.wait, daemon=True).start()


def prepared(folder: Path, asked: Mapping[str, Any]) -> tuple[list[str], dict[str, str], list[str]]:
    """Return the command, its environment, and what makes it another user's."""
    surroundings = {"PATH": os.environ["PATH"], "HOME": "/root", "USER": "root", "LANG": "C.UTF-8"}
    named = {**asked["parameters"], **asked["protected"]}
    surroundings.update({name: value for name, value in named.items() if name and value})
    script, user = folder / "script.sh", asked["user"]
    words = ["/bin/bash", "-c", '"$0" "$@"']
    if not user:
        return [*words, str(script), *asked["arguments"]], surroundings, []
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise LookupError(f"Failed to lookup RunAs user '{user}': no such user.") from None
    surroundings |= {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}
    script = Path(entry.pw_dir) / f".run-command-{asked['id']}.sh"
    script.write_text(asked["text"])
    os.chown(script, entry.pw_uid, entry.pw_gid)
    script.chmod(0o500)
    who = [
        "setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--",
    ]  # fmt: skip
    return [*words, str(script), *asked["arguments"]], surroundings, who


def forget(asked: Mapping[str, Any]) -> dict[str, Any]:
    """End a run that goes on, and remove what is known of it."""
    folder = RUNS / asked["id"]
    if folder.is_dir():
        if not (folder / "exit").exists():
            end(folder)
        gone = folder.with_suffix(".gone")
        folder.rename(gone)
        subprocess.run(["rm", "-rf", str(gone)], check=False)
    return {"forgotten": True}


def end(folder: Path) -> None:
    """Kill a script and all it started, as far as they stayed together."""
    limit = json.loads((folder / "limit").read_text())
    try:
        group = int((folder / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return
    if is_this_boot(limit):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def settle(folder: Path, code: int) -> None:
    """Note how a run ended."""
    (folder / "exit.new").write_text(str(code))
    (folder / "exit.new").rename(folder / "exit")


def ending(folder: Path) -> dict[str, Any]:
    """Return how a run ended."""
    code = int((folder / "exit").read_text())
    return {"exit_code": code, "output": tail(folder / "stdout"), "error": tail(folder / "stderr")}


def tail(path: Path) -> str:
    """Return the end of a file as text."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST))
        return file.read().decode("utf-8", "replace")


def boot() -> str:
    """Return the id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def is_this_boot(limit: Mapping[str, Any]) -> bool:
    """Whether a run began since the machine booted: numbers of processes hold no longer."""
    return bool(limit["boot"] == boot())


if __name__ == "__main__":
    main()
