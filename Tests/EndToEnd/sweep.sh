#!/usr/bin/env bash
# `kernels` and `sweep` on tiny shapes, every kernel verified against the reference: the table names the tiles, a recorded
# sweep is judged again without measuring, and what is no shape is refused. No time is asserted.
# shellcheck source=support/common.bash
source "$(dirname "$0")/support/common.bash"

shapes=(gemm:48x64x40 conv:16,14,32,3,1 conv:3,20,32,7,2)

run kernels 0 "$IRONWORKS" kernels "${shapes[@]}" --candidates 3 --json
"$PYTHON" - "$work/out" "${shapes[@]}" <<'PY' || fail "kernels: the report"
import json, sys
report = json.load(open(sys.argv[1]))
winograd = ("winograd(2,3)", "winograd(4,3)")
assert report["schema"] == "ironworks.kernels/1"
assert report["shapes"][1]["algorithm"] in ("direct", *winograd)
assert all(report["shapes"][n]["algorithm"] == "direct" for n in (0, 2))
assert [row["shape"] for row in report["shapes"]] == sys.argv[2:]
for row in report["shapes"]:
    assert not row["faults"] and row["kernels"] >= 1 and row["time_ns"] > 0 and row["probe_gflops"] > 0
    assert row["register_tile"] and row["cache_tile"]
    assert row["outer"] in ("rows", "columns") if row["algorithm"] == "direct" else row["algorithm"] in winograd
PY
ok "kernels of three shapes are right"

run sweep 0 "$IRONWORKS" sweep "${shapes[@]:0:2}" --points 40 --verify --record "$work/points.jsonl" --json
cp "$work/out" "$work/measured.json"
run recorded 0 "$IRONWORKS" sweep --recorded "$work/points.jsonl" --json
equal "the recorded sweep" "$(cat "$work/measured.json")" "$(cat "$work/out")"
"$PYTHON" - "$work/out" <<'PY' || fail "sweep: the report"
import json, sys
report = json.load(open(sys.argv[1]))
assert report["schema"] == "ironworks.sweep/1" and len(report["shapes"]) == 2
for row in report["shapes"]:
    assert row["failed"] == 0 and 1 <= row["points"] <= 40
    assert [top["measured"] for top in row["regret"]] == [1, 5, 10, 50]
    assert all(top["model_ratio"] >= 0 and top["random_ratio"] >= 0 for top in row["regret"])
PY
ok "a sweep reads back as it was measured"

run "no shape" 1 "$IRONWORKS" sweep gemm:4x5
says err "no shape" "error: 'gemm:4x5' is no shape: use gemm:MxNxK (rows, columns, depth) or conv:C,H,O,K[,S[,P]] (channels, lines, channels of the result, kernel, stride, padding)"
head -n 2 "$work/points.jsonl" >"$work/cut.jsonl"
run "cut short" 0 "$IRONWORKS" sweep --recorded "$work/cut.jsonl"
says err "cut short" "$work/cut.jsonl does not end as it should: its sweep was cut short"
ok "what is no sweep is refused, what is part of one says so"
