#!/usr/bin/env bash
# Models whose data decide how long a tensor is agree with ONNX Runtime, outputs cut to what counts of them; the exported
# library gives the lengths as outputs of their own.
# shellcheck source=support/common.bash
source "$(dirname "$0")/support/common.bash"

jobs=$(cd "$support/../../../jobs" && pwd)

run "models" 0 "$PYTHON" "$support/extents.py" "$work"
for name in $(cat "$work/out"); do
  run "$name: run" 0 "$IRONWORKS" run "$work/$name.onnx" --catalog "$work/none.db" --inputs "$work/$name.in.npz" \
    --outputs "$work/$name.run.npz"
  run "$name: agrees" 0 "$PYTHON" "$jobs/compare.py" "$work/$name.run.npz" "$work/$name.ref.npz"
  says out "$name: agrees" agreement
  ok "$name agrees with ONNX Runtime"
done

run "export" 0 "$IRONWORKS" export "$work/nonzero.onnx" --catalog "$work/none.db" --out "$work/bundle" --name nonzero
run "self-test" 0 "$work/bundle/bin/nonzero_selftest" "$work/bundle"
grep -q '"name": "y_extent_1"' "$work/bundle/manifest.json" || fail "the manifest does not name the length"
ok "an exported library gives the length of an output as an output"
