// What the C of a program with several lanes has beside that of one: the text of iw_lanes.h with its numbers, the
// wait and the publication that steps call, and a run that begins on every lane and ends when all have ended. A lane
// that fails leaves its status for the others; its counters go beyond everything, so whoever waits for them learns it.

import CKernelRuntime
import ProgramIR

struct ProgramLanes {
    /// Lanes that are printed at most.
    static let lanesMax = 1024
    /// Values of a counter lie below this, so that they fit below the number of the run.
    static let counterValueMax = Int64(UInt32.max) - 1

    let program: Program

    var count: Int { program.lanes.count }
    var areSeveral: Bool { count > 1 }

    /// The function with the steps of a lane.
    func functionName(_ lane: Int) -> String { areSeveral ? "lane\(lane)Steps" : "laneSteps" }

    /// The lane that publishes each counter; 0 for one that nobody publishes.
    private var publishers: [Int] {
        var out = [Int](repeating: 0, count: program.counters)
        for (lane, steps) in program.lanes.enumerated() {
            for body in [steps] + program.routinesCalled(from: steps).map({ program.routines[$0] }) {
                Step.visit(body) { step in
                    if case .publish(let counter, _) = step { out[counter] = lane }
                }
            }
        }
        return out
    }

    /// The threads and counters of a model; empty for one lane.
    var runtime: String {
        guard areSeveral else { return "" }
        let bytes = UnsafeBufferPointer(start: iw_lanes_source_begin(), count: Int(iw_lanes_source_count()))
        return """
            enum { LaneCount = \(count), CounterCount = \(program.counters) };
            // The lane that publishes each counter.
            static const int CounterLane[] = {\((publishers + [0]).map(String.init).joined(separator: ", "))};

            \(String(decoding: bytes, as: UTF8.self))
            """
    }

    /// Bytes at which the scratch of a lane starts.
    var scratchAlignment: Int { areSeveral ? 2 * WeightsLayout.lineBytes : WeightsLayout.lineBytes }

    // Lines that stand in the templates of ProgramTemplate.swift; empty for one lane.

    /// Members of a model.
    var modelMembers: String { areSeveral ? ProgramLanes.modelMembers : "" }
    /// Members of what the steps of a run see.
    var laneMembers: String { areSeveral ? ProgramLanes.laneMembers : "" }
    var stopping: String { areSeveral ? "  stopLanes(&self->team);\n" : "" }
    var starting: String { areSeveral ? ProgramLanes.starting : "" }
    /// A zeroed model or null.
    var allocating: String { areSeveral ? "allocateModel()" : "calloc(1, sizeof *self)" }

    /// Functions that steps call.
    var meeting: String { areSeveral ? ProgramLanes.meeting : "" }

    /// `runSteps`, which enters and leaves the steps.
    var running: String {
        guard areSeveral else { return ProgramLanes.runningOne }
        let table = (0..<count).map(functionName).joined(separator: ", ")
        return ProgramLanes.runningSeveral.replacing("@LANES@", with: table)
    }

    private static let modelMembers = """
          // Of the run in progress: what all lanes work on, and the first status that is not ok.
          char *const *in, *const *out;
          int failure;
          LaneTeam team;

        """

    private static let laneMembers = """
          LaneTeam *team;
          uint64_t base;  // what the counters of this run count from
          const int *failure;

        """

    private static let starting = """
          if (status == @P@_ok && !startLanes(&self->team, self, runLane)) status = @P@_no_threads;

        """

    private static let meeting = """
        // Waits until counter c has reached v in this run. Returns ok, or the status with which some lane gave up.
        static __attribute__((unused)) inline int waitFor(const Lane *l, int c, int64_t v) {
          if (v <= 0) return @P@_ok;
          const uint64_t value = v < UINT32_MAX ? (uint64_t)v : UINT32_MAX;
          const uint64_t seen = awaitCounter(&l->team->counters[c], l->base + value);
          return (seen - l->base) >> 32 ? __atomic_load_n(l->failure, __ATOMIC_RELAXED) : @P@_ok;
        }

        static __attribute__((unused)) inline int publishAs(const Lane *l, int c, int64_t v) {
          if (v < 0 || v >= UINT32_MAX) return @P@_bad_tasks;
          publishCounter(&l->team->counters[c], l->base + (uint64_t)v);
          return @P@_ok;
        }
        """

    private static let runningOne = """
        static int runSteps(struct @P@ *self, char *const *in, char *const *out) {
          Lane lane = {
              .arena = self->memory,
              .weights = self->weights,
              .scratch = self->memory + ScratchPlace,
              .in = in,
              .out = out,
              .cancelled = &self->cancelled,
          };
          const unsigned before = enterFastMath();
          const int status = isCancelled(&lane) ? @P@_cancelled : laneSteps(&lane);
          leaveFastMath(before);
          return status;
        }
        """

    private static let runningSeveral = """
        static int (*const LaneSteps[])(Lane *l) = {@LANES@};

        // The part of one lane in a run.
        static void runLane(void *model, int number, uint64_t run) {
          struct @P@ *self = model;
          Lane lane = {
              .arena = self->memory,
              .weights = self->weights,
              .scratch = self->memory + ScratchPlace + (size_t)number * ScratchStride,
              .in = self->in,
              .out = self->out,
              .cancelled = &self->cancelled,
              .team = &self->team,
              .base = run << 32,
              .failure = &self->failure,
          };
          const unsigned before = enterFastMath();
          const int status = isCancelled(&lane) ? @P@_cancelled : LaneSteps[number](&lane);
          leaveFastMath(before);
          int none = @P@_ok;
          if (status != @P@_ok) {
            __atomic_compare_exchange_n(&self->failure, &none, status, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
          }
          for (int c = 0; c < CounterCount; c++) {
            if (CounterLane[c] == number) publishCounter(&self->team.counters[c], (run + 1) << 32);
          }
        }

        static int runSteps(struct @P@ *self, char *const *in, char *const *out) {
          cpu_set_t places;
          const int isHeld = holdCaller(&self->team, &places);
          self->in = in;
          self->out = out;
          __atomic_store_n(&self->failure, @P@_ok, __ATOMIC_RELAXED);
          const uint64_t run = beginRun(&self->team);
          runLane(self, 0, run);
          awaitWorkers(&self->team, run);
          if (isHeld) sched_setaffinity(0, sizeof places, &places);
          return __atomic_load_n(&self->failure, __ATOMIC_RELAXED);
        }

        // Zeroed, with every counter on lines of its own.
        static struct @P@ *allocateModel(void) {
          struct @P@ *self = aligned_alloc(_Alignof(struct @P@), sizeof *self);
          return self ? memset(self, 0, sizeof *self) : 0;
        }
        """
}

extension Program {
    /// Routines that `steps` call, directly or not, in rising order.
    func routinesCalled(from steps: [Step]) -> [Int] {
        var reached: Set<Int> = []
        var bodies = [steps]
        while let body = bodies.popLast() {
            Step.visit(body) { step in
                if case .call(let routine, _) = step, reached.insert(routine).inserted {
                    bodies.append(routines[routine])
                }
            }
        }
        return reached.sorted()
    }
}
