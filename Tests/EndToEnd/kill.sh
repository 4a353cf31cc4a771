#!/usr/bin/env bash
# Processes die without warning at five points: the coordinator before a commit, after it, and before it acknowledges
# facts; a worker when it has received a unit, and in the middle of a burst. Running the same command again finishes
# the job, nothing measured is lost, and nothing that was on record is measured again.
. "$(dirname "$0")/support/common.bash"

model=$work/mlp.onnx
tune() { "$IRONWORKS" tune "$model" --effort quick --catalog "$file" "$@"; }

# The job goes on from what the first life left in $file, and ends.
goes_on() {
  local name=$1 known
  known=$(catalog "$file" measured)
  sound "$name" "$file"
  run "$name, again" 0 tune
  # what had a valid reading has the same readings still
  while read -r candidate valid; do
    [ "${valid:-0}" -gt 0 ] || continue
    grep -qxF -- "$candidate $valid" <(catalog "$file" measured) || fail "$name: $candidate was measured again"
  done <<<"$known"
  equal "$name: readings of one candidate" 1 "$(catalog "$file" most-valid)"
  run "$name, at the end" 0 tune
  says out "$name, at the end" "nothing left: every candidate of this job is on record"
  sound "$name, at the end" "$file"
}

file=$work/whole.db
run "undisturbed" 0 tune
equal "undisturbed: readings of one candidate" 1 "$(catalog "$file" most-valid)"
ok "an undisturbed run measures every candidate once"

for point in beforeCommit:3 afterCommit:3 beforeAck:2; do
  file=$work/$point.db
  run "$point" 137 env IRONWORKS_FAULT="$point" "$IRONWORKS" tune "$model" --effort quick --catalog "$file"
  until_true 10 "$point: workers end with their coordinator" no_workers
  goes_on "$point"
  ok "the coordinator dies at $point and the job goes on"
done

for point in received:2 duringBurst:1; do
  file=$work/$point.db
  run "$point" 0 env IRONWORKS_WORKER_FAULT="$point" "$IRONWORKS" tune "$model" --effort quick --catalog "$file"
  [ "$(catalog "$file" count suspicions)" -gt 0 ] || fail "$point: no worker died"
  goes_on "$point"
  ok "a worker dies at $point and the run goes on"
done

no_workers || fail "workers are left: $(workers)"
ok "no process is left behind"
