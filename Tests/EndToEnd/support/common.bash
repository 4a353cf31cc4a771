# What every end-to-end script starts with: a folder of its own, checks that end the script when they fail, and a
# clean end that stops only what the script started. Expects IRONWORKS (the program) and PYTHON (with numpy and onnx).
# A command under test leaves its output in $work/out and $work/err.

set -euo pipefail

: "${IRONWORKS:?IRONWORKS names the built program}" "${PYTHON:?PYTHON names a Python with numpy and onnx}"
support=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/ironworks-test.XXXXXX")
mkdir -m 700 "$work/run"
# the sockets of embedded farms go here, so that their workers can be told from everybody else's
export XDG_RUNTIME_DIR=$work/run
unset IRONWORKS_CATALOG IRONWORKS_FAULT IRONWORKS_WORKER_FAULT
started=()

# Process ids of workers whose farm is in this script's folder.
workers() {
  local folder
  for folder in /proc/[0-9]*; do
    if tr '\0' ' ' 2>/dev/null <"$folder/cmdline" | grep -qF -- "--connect ipc://$work/run/"; then
      echo "${folder#/proc/}"
    fi
  done
}

finish() {
  local pid
  for pid in ${started[@]+"${started[@]}"} $(workers); do kill -KILL "$pid" 2>/dev/null || true; done
  for hook in ${cleanups[@]+"${cleanups[@]}"}; do $hook || true; done
  rm -rf "$work"
}
cleanups=()
trap finish EXIT

ok() { echo "ok $1"; }

fail() {
  echo "FAILED $1"
  for stream in out err; do
    [ -s "$work/$stream" ] && sed "s/^/  $stream: /" "$work/$stream" | tail -n 20
  done
  exit 1
}

# run NAME CODE COMMAND…: runs it and checks the exit code.
run() {
  local name=$1 expected=$2 code=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  [ "$code" -eq "$expected" ] || fail "$name: exit code $code instead of $expected"
}

# says STREAM NAME LINE: one line of the stream is exactly LINE.
says() { grep -qxF -- "$3" "$work/$1" || fail "$2: no line says: $3"; }

# silent STREAM NAME TEXT: TEXT is nowhere in the stream.
silent() { if grep -qF -- "$3" "$work/$1"; then fail "$2: says: $3"; fi; }

# equal NAME EXPECTED ACTUAL
equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }

# until SECONDS NAME COMMAND…: waits for the command to succeed.
until_true() {
  local seconds=$1 name=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || fail "$name: not within $seconds s"
    sleep 0.05
  done
}

# background COMMAND…: starts it with the usual effect of every signal; its id is in $pid.
background() {
  "$PYTHON" -c '
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" >"$work/out" 2>"$work/err" </dev/null &
  pid=$!
  started+=("$pid")
}

# ended NAME CODE: the process $pid ends with this code.
ended() {
  local code=0
  wait "$pid" || code=$?
  [ "$code" -eq "$2" ] || fail "$1: exit code $code instead of $2"
}

catalog() { "$PYTHON" "$support/catalog.py" "$@"; }
at_least() { [ -e "$1" ] && [ "$(catalog "$1" count "$2")" -ge "$3" ]; }
no_workers() { [ -z "$(workers)" ]; }

# sound NAME FILE: the catalog holds together, by our own word and by SQLite's.
sound() {
  equal "$1" sound "$(catalog "$2" sound)"
  run "$1" 0 "$IRONWORKS" catalog verify --catalog "$2"
  says out "$1" "$2: $(grep -oE '[0-9]+ rows' "$work/out" || true), sound"
}

"$PYTHON" "$support/models.py" "$work"
