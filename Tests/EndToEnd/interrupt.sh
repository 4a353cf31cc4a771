#!/usr/bin/env bash
# Ctrl-C and a polite kill: what runs is finished, everything is committed, the command that goes on is printed, and
# that very command finishes the job. A second Ctrl-C does not wait. A lost terminal changes nothing.
. "$(dirname "$0")/support/common.bash"

mkdir "$work/a folder"
cp "$work/layers.onnx" "$work/a folder/it's a model.onnx"
mkdir "$work/bin"
ln -s "$IRONWORKS" "$work/bin/ironworks"

# stopped SIGNAL CATALOG: a run that is hit by the signal once something was measured.
stopped() {
  background "$IRONWORKS" tune "$work/a folder/it's a model.onnx" --effort exhaustive --catalog "$2"
  until_true 60 "$1: something is measured" at_least "$2" readings 1
  kill "-$1" "$pid"
  ended "$1" 130
  says err "$1" "stopping: finishing what runs (again to kill)"
  cp "$work/err" "$work/stopped.err"
  says err "$1" "interrupted; everything measured is kept. Go on with:"
  until_true 10 "$1: workers end" no_workers
  sound "$1" "$2"
}

stopped TERM "$work/term.db"
ok "a terminated run ends with 130 and a sound catalog"

catalog=$work/a\ folder/int.db
stopped INT "$catalog"
ok "an interrupted run ends with 130 and a sound catalog"

measured=$(catalog "$catalog" count readings)
command=$(grep -A1 -xF "interrupted; everything measured is kept. Go on with:" "$work/stopped.err" | tail -n 1)
case $command in
  "  ironworks tune "*) ;;
  *) fail "the command to go on with is '$command'" ;;
esac
run "going on" 0 env PATH="$work/bin:$PATH" bash -c "$command"
[ "$(catalog "$catalog" count readings)" -gt "$measured" ] || fail "going on: nothing more was measured"
run "at the end" 0 env PATH="$work/bin:$PATH" bash -c "$command"
says out "at the end" "nothing left: every candidate of this job is on record"
sound "at the end" "$catalog"
ok "the printed command finishes the job"

background "$IRONWORKS" tune "$work/layers.onnx" --effort exhaustive --catalog "$work/twice.db"
until_true 60 "twice: something is measured" at_least "$work/twice.db" readings 1
kill -INT "$pid"
sleep 0.02
kill -INT "$pid" 2>/dev/null || true  # it may have ended in time
ended "twice" 130
until_true 10 "twice: workers end" no_workers
sound "twice" "$work/twice.db"
ok "a second interrupt ends at once and loses nothing"

background "$IRONWORKS" tune "$work/mlp.onnx" --effort quick --catalog "$work/hangup.db"
until_true 60 "hang-up: something is found out" at_least "$work/hangup.db" expansions 1
kill -HUP "$pid"
ended "hang-up" 0
sound "hang-up" "$work/hangup.db"
ok "a lost terminal changes nothing"
