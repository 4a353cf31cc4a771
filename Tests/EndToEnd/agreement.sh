#!/usr/bin/env bash
# Both quickstart models agree with ONNX Runtime: through `run`, through the exported library called from C, and through
# the bundle's Python binding. The library needs libc alone, and two processes print the same texts.
# shellcheck source=support/common.bash
source "$(dirname "$0")/support/common.bash"

: "${IRONWORKS_MODELS:?IRONWORKS_MODELS names the folder with the quickstart models}"
jobs=$(cd "$support/../../../jobs" && pwd)
cc=$(command -v clang || command -v cc)

# libc's own symbols and what the loader needs; anything else would be another library behind the bundle.
foreign() { nm -D --undefined-only "$1" | grep -vE '@GLIBC_|__gmon_start__|_ITM_|__cxa_finalize' || true; }

# called NAME BUNDLE LABEL: the library of BUNDLE, called from C on the inputs of NAME, agrees with the reference.
called() {
  local name=$1 bundle=$2 label=$3
  run "$label: compile the caller" 0 "$cc" -O1 -DMODEL="$name" "-DHEADER=\"$name.h\"" -I "$bundle/include" \
    "$support/caller.c" "$bundle/lib/lib$name.so" -Wl,-rpath,"$bundle/lib" -o "$work/$name.caller"
  run "$label: pack" 0 "$PYTHON" "$support/tensors.py" pack "$bundle/manifest.json" "$work/$name.in.npz" "$work/in.bin"
  run "$label: call" 0 "$work/$name.caller" "$bundle/weights.bin" "$work/in.bin" "$work/out.bin"
  run "$label: unpack" 0 "$PYTHON" "$support/tensors.py" unpack "$bundle/manifest.json" "$work/out.bin" "$work/c.npz"
  run "$label: C agrees" 0 "$PYTHON" "$jobs/compare.py" "$work/c.npz" "$work/$name.ref.npz"
  says out "$label: C agrees" agreement
  ok "$label agrees with ONNX Runtime through the library, called from C"
}

# agree MODEL NAME BINDINGS…
agree() {
  local file=$IRONWORKS_MODELS/$1.onnx name=$2
  shift 2
  local bind=() word
  for word in "$@"; do bind+=(--bind "$word"); done
  run "$name: reference" 0 "$PYTHON" "$jobs/onnxruntime_reference.py" "$file" "${bind[@]}" --range input_ids=0:30000 \
    --make-inputs 11 --inputs "$work/$name.in.npz" --outputs "$work/$name.ref.npz" --seconds 0.1

  run "$name: run" 0 "$IRONWORKS" run "$file" "${bind[@]}" --catalog "$work/none.db" --inputs "$work/$name.in.npz" \
    --outputs "$work/$name.run.npz"
  run "$name: run agrees" 0 "$PYTHON" "$jobs/compare.py" "$work/$name.run.npz" "$work/$name.ref.npz"
  says out "$name: run agrees" agreement
  ok "$name agrees with ONNX Runtime through run"

  local bundle=$work/$name
  run "$name: export" 0 "$IRONWORKS" export "$file" "${bind[@]}" --catalog "$work/none.db" --out "$bundle" \
    --name "$name"
  run "$name: self-test" 0 "$bundle/bin/${name}_selftest" "$bundle"
  called "$name" "$bundle" "$name"

  run "$name: Python" 0 "$PYTHON" "$support/tensors.py" python "$bundle" "$name" "$work/$name.in.npz" "$work/py.npz"
  run "$name: Python agrees" 0 "$PYTHON" "$jobs/compare.py" "$work/py.npz" "$work/$name.ref.npz"
  ok "$name agrees with ONNX Runtime through the Python binding"

  equal "$name: foreign symbols" "" "$(foreign "$bundle/lib/lib$name.so")"
  ok "$name needs libc alone"

  local stage
  for stage in imported welds schedules kernels source program; do
    "$IRONWORKS" dump "$file" "${bind[@]}" --catalog "$work/none.db" --after "$stage" >"$work/first.txt"
    "$IRONWORKS" dump "$file" "${bind[@]}" --catalog "$work/none.db" --after "$stage" >"$work/second.txt"
    cmp -s "$work/first.txt" "$work/second.txt" || fail "$name: two processes print different texts after $stage"
  done
  ok "$name prints the same bytes in two processes"
}

agree ppocr-cls cls x=1x3x48x192
# the other instruction sets: their kernels run too, where the processor has them
for isa in avx2 plain; do
  if [ "$isa" = plain ] || grep -qw "$isa" /proc/cpuinfo; then
    run "$isa: export" 0 "$IRONWORKS" export "$IRONWORKS_MODELS/ppocr-cls.onnx" --bind x=1x3x48x192 --device "$isa" \
      --catalog "$work/none.db" --out "$work/$isa" --name cls
    called cls "$work/$isa" "cls on $isa"
  fi
done
agree minilm-l3 minilm batch_size=1 sequence_length=128
