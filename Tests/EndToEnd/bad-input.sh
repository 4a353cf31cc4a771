#!/usr/bin/env bash
# Whatever is wrong with what a person gives: one sentence that says what and what to do, exit code 1, nothing lost.
# The sentences stand here as they are printed.
. "$(dirname "$0")/support/common.bash"

cd "$work"
rm external.bin

# refused NAME SENTENCE COMMAND…
refused() {
  local name=$1 sentence=$2
  shift 2
  run "$name" 1 "$@"
  says err "$name" "error: $sentence"
  equal "$name: stdout" "" "$(cat out)"
  equal "$name: sentences" 1 "$(grep -c '^error: ' err)"
  ok "$name"
}

tune() { "$IRONWORKS" tune "$@" --effort quick --catalog new.db; }

refused "not an ONNX file" \
  "text.onnx is not an ONNX file: byte 0 starts no field of a model; name a .onnx file as an exporter writes it" tune text.onnx
refused "a truncated model" \
  "truncated.onnx is truncated: it ends after 4846 bytes in the middle of the model; fetch it again" tune truncated.onnx
refused "a cyclic model" \
  'cyclic.onnx has a cycle through Add node "first", Relu node "second"; a graph must have none, export it again' \
  tune cyclic.onnx
refused "wrong types" 'Add node "sum" of types.onnx mixes the types f32 and i64; insert a Cast' tune types.onnx
refused "missing external data" \
  "tensor w0 of external.onnx has its data in $work/external.bin, which cannot be read; put that file beside the model" \
  tune "$work/external.onnx"
refused "an unbound dimension" \
  "input x of symbolic.onnx has unbound dimensions (0: batch): bind them with --bind batch=N or 'bindings:' in the job" \
  tune symbolic.onnx
refused "a model that is not there" \
  "absent.onnx cannot be read: No such file or directory; check the path and its permissions" tune absent.onnx

cat >job.yaml <<'J'
version: 1
models:
  - mlp.onnx
serach: {effort: quick}
J
refused "a misspelt key" "job.yaml:4: unknown key 'serach'; did you mean 'search'?" \
  "$IRONWORKS" tune job.yaml --catalog new.db
[ ! -e new.db ] || fail "a refused input leaves a catalog behind"

run "a catalog" 0 "$IRONWORKS" tune mlp.onnx --effort quick --catalog good.db --measure-with synthetic:7
cp good.db newer.db
catalog newer.db version 99
before=$(sha256sum newer.db)
refused "a catalog from a newer version" \
  "newer.db was written by a newer Ironworks (catalog version 99, this one reads up to 2): update Ironworks, or name another file with --catalog" \
  "$IRONWORKS" tune mlp.onnx --effort quick --catalog newer.db
equal "a catalog from a newer version: the file" "$before" "$(sha256sum newer.db)"

echo "dear diary" >diary.db
refused "a catalog that is none" \
  "diary.db is not an Ironworks catalog (it is no SQLite file): name another file with --catalog" \
  "$IRONWORKS" tune mlp.onnx --effort quick --catalog diary.db
equal "a catalog that is none: the file" "dear diary" "$(cat diary.db)"

background "$IRONWORKS" tune layers.onnx --effort quick --catalog busy.db
holder=$pid
until_true 60 "a catalog in use: the holder has started" at_least busy.db expansions 1
mv out holder.out
mv err holder.err
refused "a catalog in use" \
  "busy.db is in use by process $holder on $(uname -n): wait until it has ended, or name another catalog with --catalog" \
  "$IRONWORKS" tune mlp.onnx --effort quick --catalog busy.db --measure-with synthetic:7
ended "a catalog in use: its holder goes on" 0
sound "a catalog in use" busy.db

# A read-only disk: mounted for this, else any that is there.
read_only_folder() {
  mkdir -p disk
  if mount -t tmpfs -o size=8m ironworks-test disk 2>/dev/null; then
    cleanups+=("umount $work/disk")
    cp good.db disk/
    mount -o remount,ro "$work/disk" 2>/dev/null && disk=$work/disk && return 0
  fi
  while read -r _ folder _ options _; do
    case ,$options, in
      *,ro,*) [ -d "$folder" ] && [ -x "$folder" ] && disk=$folder && return 0 ;;
    esac
  done </proc/mounts
  return 1
}
if read_only_folder; then
  refused "a read-only disk" \
    "$disk/good.db cannot be written (Read-only file system): make it writable, or name another file with --catalog" \
    "$IRONWORKS" tune mlp.onnx --effort quick --catalog "$disk/good.db"
  if [ -e "$disk/good.db" ]; then cmp good.db "$disk/good.db" || fail "a read-only disk: the catalog changed"; fi
else
  echo "skipped a read-only disk: none is there, and none may be mounted"
fi

refused "no compiler" \
  "no C compiler on the PATH: install clang or gcc (Debian: apt-get install clang), then run this again" \
  env PATH=/nonexistent "$IRONWORKS" tune mlp.onnx --effort quick --catalog new.db
[ ! -e new.db ] || fail "a refused input leaves a catalog behind"

refused "a fault point that is none" \
  "IRONWORKS_FAULT=sometimes:1 names no fault point; use POINT:N with one of received, beforeCommit, afterCommit, beforeAck, duringBurst" \
  env IRONWORKS_FAULT=sometimes:1 "$IRONWORKS" tune mlp.onnx --catalog new.db
refused "a way of measuring that is none" \
  "--measure-with guessed is not understood; use real, recorded:FILE or synthetic:SEED" \
  "$IRONWORKS" tune mlp.onnx --catalog new.db --measure-with guessed
