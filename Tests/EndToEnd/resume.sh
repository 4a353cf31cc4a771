#!/usr/bin/env bash
# What is on record is never measured again: a second run finds nothing left, a deleted reading is the only thing that
# the next run measures, made-up readings are no evidence for real ones, and two processes with made-up times decide
# the same winners whatever the number of workers.
. "$(dirname "$0")/support/common.bash"

nothing_left="nothing left: every candidate of this job is on record"
model=$work/mlp.onnx

tune() { "$IRONWORKS" tune "$model" --effort quick "$@"; }

run "made-up times" 0 tune --catalog "$work/a.db" --measure-with synthetic:7
silent out "made-up times" "$nothing_left"
[ "$(catalog "$work/a.db" count winners)" -gt 0 ] || fail "made-up times: no winner"
sound "made-up times" "$work/a.db"
ok "made-up times decide winners"

before=$(catalog "$work/a.db" count readings)
run "second run" 0 tune --catalog "$work/a.db" --measure-with synthetic:7
says out "second run" "$nothing_left"
equal "second run: readings" "$before" "$(catalog "$work/a.db" count readings)"
ok "a second run finds nothing left"

run "another process" 0 tune --catalog "$work/b.db" --measure-with synthetic:7 --workers 3
equal "another process" "$(catalog "$work/a.db" dump winners)" "$(catalog "$work/b.db" dump winners)"
run "another seed" 0 tune --catalog "$work/c.db" --measure-with synthetic:8
[ "$(catalog "$work/a.db" dump winners)" != "$(catalog "$work/c.db" dump winners)" ] || fail "another seed: same winners"
ok "two processes decide the same winners"

# A reading that is gone is measured again; of what still has one, nothing is.
delete_and_tune() {
  local file=$1 place=$2 candidate
  shift 2
  candidate=$(catalog "$file" delete-reading "$place")
  kept=$(catalog "$file" dump readings)
  run "deleted reading" 0 tune --catalog "$file" "$@"
  silent out "deleted reading" "$nothing_left"
  new=$(catalog "$file" dump readings | grep -vxF -- "$kept" | cut -d'|' -f2 | sort -u || true)
  [ -n "$kept" ] || new=$(catalog "$file" dump readings | cut -d'|' -f2 | sort -u)
  grep -qxF -- "$candidate" <<<"$new" || fail "deleted reading: $candidate was not measured again, new: $new"
  equal "deleted reading: measured twice" "" "$(comm -12 <(cut -d'|' -f2 <<<"$kept" | sort -u) - <<<"$new")"
}

for place in $(seq 0 $((before - 1))); do
  delete_and_tune "$work/a.db" "$place" --measure-with synthetic:7
  equal "deleted reading: what is new" 1 "$(wc -l <<<"$new")"
done
equal "deleted readings: winners" "$(catalog "$work/b.db" dump winners)" "$(catalog "$work/a.db" dump winners)"
ok "each deleted reading is measured again, alone"

run "real times" 0 tune --catalog "$work/a.db"
silent out "real times" "$nothing_left"
[ "$(catalog "$work/a.db" dump readings | cut -d'|' -f4 | sort -u | wc -l)" -eq 2 ] || fail "real times: not two recipes"
ok "made-up readings are no evidence for real ones"

model=$work/product.onnx
run "real times" 0 tune --catalog "$work/real.db"
sound "real times" "$work/real.db"
run "real times, again" 0 tune --catalog "$work/real.db" --resume
says out "real times, again" "$nothing_left"
# The time read anew may bring another candidate among the few that the second compiler tries.
delete_and_tune "$work/real.db" 0
run "real times, after all" 0 tune --catalog "$work/real.db"
says out "real times, after all" "$nothing_left"
sound "real times, after all" "$work/real.db"
ok "a deleted real reading is measured again, nothing else is"
