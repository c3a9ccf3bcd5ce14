"""The script that puts a configuration in place on Linux: POSIX shell and coreutils, nothing else.

What comes from the spec stands in it as a word in single quotes or in Base64, so that no content,
name or command can become part of the program. Secrets come as environment and leave it at once:
no program that is started has them. What is right is not touched, so that a repetition costs little
and tells drift from order; files are replaced whole.

What a command prints is shown only where it fails. At the end, also of a failure, each thing that
was not in place is told in a line of its own.
"""

import shlex
from collections.abc import Iterator
from typing import Final

from hacluster.plan.nodes.pieces import FileWanted, Parameter, Pieces, encoded

INSTALL_S: Final = 900
"""For one call of the package manager."""
COMMAND_S: Final = 300
"""For one command or check."""

_PRELUDE: Final = r"""set -u
umask 022
PATH=${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
export PATH LC_ALL=C DEBIAN_FRONTEND=noninteractive
units=
draft=
work=$(mktemp -d) || exit 1
: >"$work/changed"
trap 'tail -c 3000 "$work/changed"; rm -rf -- "$work"; [ -z "$draft" ] || rm -f -- "$draft"' EXIT
trap 'exit 143' HUP INT TERM

changed() { printf 'hacluster: changed %s\n' "$1" >>"$work/changed"; }
failed() { printf 'hacluster: failed %s\n' "$1" >&2; exit 1; }
try() { timeout -k 10 "$@" </dev/null >"$work/out" 2>&1; }
must() {
  what=$1; shift
  try "$@" && return
  code=$?
  [ "$code" -ne 124 ] || failed "$what: it took longer than $1 s"
  failed "$what: it ended with $code: $(tail -c 600 "$work/out")"
}
has_package() {
  if command -v dpkg-query >/dev/null; then
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
  else
    rpm -q --whatprovides "$1" >/dev/null 2>&1
  fi
}
install() {
  if command -v apt-get >/dev/null; then
    try "$limit" apt-get -q -y -o DPkg::Lock::Timeout=120 update  # An old list may do as well.
    must "packages $*" "$limit" apt-get -q -y -o DPkg::Lock::Timeout=120 install "$@"
  elif command -v dnf >/dev/null; then
    must "packages $*" "$limit" dnf -q -y install "$@"
  elif command -v yum >/dev/null; then
    must "packages $*" "$limit" yum -q -y install "$@"
  elif command -v zypper >/dev/null; then
    must "packages $*" "$limit" zypper -q -n install "$@"
  else
    failed "packages $*: no known package manager is there"
  fi
}
put_packages() {
  limit=$1; shift
  for name in "$@"; do
    shift
    has_package "${name%%=*}" || set -- "$@" "$name"
  done
  [ "$#" -gt 0 ] || return 0
  install "$@"
  for name in "$@"; do changed "package $name"; done
}
put_file() {
  path=$1 mode=$2 folder=${1%/*}
  uid=$(id -u "$3" 2>/dev/null) || failed "file $path: there is no user $3"
  getent group "$3" >/dev/null && group=$3 || group=$(id -g "$3")
  printf %s "$4" | base64 -d >"$work/content" || failed "file $path: its content came broken"
  if [ -f "$path" ] && [ ! -L "$path" ] && [ "$(stat -c '%a %u' "$path")" = "$mode $uid" ] &&
    cmp -s "$work/content" "$path"; then return; fi
  mkdir -p "$folder/" || failed "file $path: its folder cannot be made"
  draft=$(mktemp "$folder/.hacluster.XXXXXX") || failed "file $path: its folder takes no file"
  { cat "$work/content" >"$draft" && chown "$uid:$group" "$draft" && chmod "$mode" "$draft" &&
    sync "$draft" && mv -f -T "$draft" "$path"; } || failed "file $path: it cannot be written"
  draft=
  case $path in /etc/systemd/system/*) units=1 ;; esac
  changed "file $path"
}
put_command() {
  run=$(printf %s "$3" | base64 -d) check=$(printf %s "$4" | base64 -d)
  ! try "$1" sh -c "$check" || return 0
  must "command $2" "$1" sh -c "$run"
  must "the check of command $2 after it has run" "$1" sh -c "$check"
  changed "command $2"
}
"""


def script(head: str, pieces: Pieces) -> str:
    """Return the script; ``head`` is its second line."""
    calls = "\n".join(_calls(pieces))
    return f"#!/bin/sh\n{head}\n{_PRELUDE}\n{calls}\nprintf 'hacluster: in place\\n'\n"


def _calls(pieces: Pieces) -> Iterator[str]:
    for name in pieces.parameters:
        missing = "a protected parameter is missing"
        yield f"{name.lower()}=${{{name}?{missing}}}; unset {name}"
    if pieces.packages:
        yield f"put_packages {INSTALL_S} {shlex.join(pieces.packages)}"
    yield from (_file(one) for one in pieces.files)
    yield f'[ -z "$units" ] || must "systemctl daemon-reload" {COMMAND_S} systemctl daemon-reload'
    for number, (run, check) in enumerate(pieces.commands, start=1):
        yield f"put_command {COMMAND_S} {number} '{encoded(run)}' '{encoded(check)}'"


def _file(file: FileWanted) -> str:
    content = file.content
    held = f'"${content.name.lower()}"' if isinstance(content, Parameter) else f"'{content}'"
    path = "'" + file.path.replace("'", "'\\''") + "'"
    return f"put_file {path} {file.mode:o} {shlex.quote(file.owner)} {held}"
