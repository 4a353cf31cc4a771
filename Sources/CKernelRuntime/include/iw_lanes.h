// Lanes: the threads on which a program of several lanes runs, and how they wait for each other. Stands in the C of
// such a program, behind an enum with LaneCount and CounterCount. Needs Linux, the C library and its threads.
//
// Lane 0 is the thread that calls run. The others belong to the model, from its creation to its end; lane n stays on
// the n-th processor that the creating thread may use, if there are that many. A lane that waits spins for 50 us and
// then sleeps, so lanes that have nothing to do for longer cost nothing. Counters only rise, over all runs of a model:
// a value of run r is r * 2^32 + value, and a lane that ends a run leaves its counters at (r + 1) * 2^32, beyond
// everything that anyone may wait for. So nothing is reset between runs, and a lane that gives up holds nobody.
//
// All names here hold a capital letter; those of a program's interface have none.
#ifndef IW_LANES_H
#define IW_LANES_H

#if !defined(__linux__)
#error "lanes sleep on Linux futexes; print this program for one lane"
#endif
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LaneSpins = 32, LaneSpinNs = 50000 };

// One line of its own: two of 64 bytes, since processors fetch them in pairs.
typedef struct {
  uint64_t value;
  uint32_t sleepers;  // lanes that sleep here, or are about to
  uint32_t calls;     // what they sleep on: another number after every call
} __attribute__((aligned(128))) LaneCounter;

typedef struct LaneTeam LaneTeam;
typedef struct {
  LaneTeam *team;
  int lane;
  pthread_t thread;
} LaneWorker;

// The lanes of one model.
struct LaneTeam {
  LaneCounter begun;                      // the run that workers may begin
  LaneCounter ended[LaneCount];           // the run that each worker has ended
  LaneCounter counters[CounterCount + 1]; // those of the program
  uint64_t run;                           // belongs to lane 0
  int isOver;                             // no run follows; read after begun
  int workerCount;
  int processors[LaneCount];              // -1: wherever the system likes
  void (*work)(void *model, int lane, uint64_t run);
  void *model;
  LaneWorker workers[LaneCount];
};

static inline void relaxLane(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static int64_t laneNow(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Counters go round after 2^64, long after anything that is compared.
static inline int hasReached(uint64_t seen, uint64_t value) { return (int64_t)(seen - value) >= 0; }

static __attribute__((noinline)) uint64_t sleepUntil(LaneCounter *counter, uint64_t value) {
  uint64_t seen;
  __atomic_fetch_add(&counter->sleepers, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    const uint32_t calls = __atomic_load_n(&counter->calls, __ATOMIC_ACQUIRE);
    // Either this sees the value, or whoever stores it sees a sleeper.
    seen = __atomic_load_n(&counter->value, __ATOMIC_SEQ_CST);
    if (hasReached(seen, value)) break;
    syscall(SYS_futex, &counter->calls, FUTEX_WAIT_PRIVATE, calls, 0, 0, 0);
  }
  __atomic_fetch_sub(&counter->sleepers, 1, __ATOMIC_RELAXED);
  return seen;
}

// Waits until `counter` has reached `value`; everything before the store that did it is visible then.
static __attribute__((noinline)) uint64_t awaitCounter(LaneCounter *counter, uint64_t value) {
  int64_t end = 0;
  for (;;) {
    for (int spin = 0; spin < LaneSpins; spin++) {
      const uint64_t seen = __atomic_load_n(&counter->value, __ATOMIC_ACQUIRE);
      if (hasReached(seen, value)) return seen;
      relaxLane();
    }
    const int64_t now = laneNow();
    if (end == 0) end = now + LaneSpinNs;
    if (now >= end) return sleepUntil(counter, value);
  }
}

static __attribute__((noinline)) void callSleepers(LaneCounter *counter) {
  __atomic_fetch_add(&counter->calls, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &counter->calls, FUTEX_WAKE_PRIVATE, INT32_MAX, 0, 0, 0);
}

// Only its one publisher stores to a counter.
static inline void publishCounter(LaneCounter *counter, uint64_t value) {
  __atomic_store_n(&counter->value, value, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&counter->sleepers, __ATOMIC_SEQ_CST) != 0) callSleepers(counter);
}

static int moveTo(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0;
}

static void *workerMain(void *argument) {
  const LaneWorker *self = argument;
  LaneTeam *team = self->team;
  if (team->processors[self->lane] >= 0) (void)moveTo(team->processors[self->lane]);
  for (uint64_t run = 1;; run++) {
    awaitCounter(&team->begun, run);
    if (__atomic_load_n(&team->isOver, __ATOMIC_RELAXED)) return 0;
    team->work(team->model, self->lane, run);
    publishCounter(&team->ended[self->lane], run);
  }
}

// Lane n gets the n-th processor of the calling thread's mask; none is fixed when there are too few.
static void chooseProcessors(LaneTeam *team) {
  cpu_set_t usable;
  const int isKnown = sched_getaffinity(0, sizeof usable, &usable) == 0 && CPU_COUNT(&usable) >= LaneCount;
  int processor = -1;
  for (int lane = 0; lane < LaneCount; lane++) {
    if (isKnown) {
      do processor++;
      while (!CPU_ISSET(processor, &usable));
    }
    team->processors[lane] = processor;
  }
}

// Ends the workers; no run may be in progress.
static void stopLanes(LaneTeam *team) {
  if (team->workerCount == 0) return;
  __atomic_store_n(&team->isOver, 1, __ATOMIC_RELAXED);
  publishCounter(&team->begun, ++team->run);
  for (int n = 0; n < team->workerCount; n++) pthread_join(team->workers[n].thread, 0);
  team->workerCount = 0;
}

// Starts a worker for every lane but the first. Signals stay with the threads of the program around us. Returns 0
// when the system refuses a thread; the team has none then.
static int startLanes(LaneTeam *team, void *model, void (*work)(void *model, int lane, uint64_t run)) {
  team->model = model;
  team->work = work;
  chooseProcessors(team);
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return 0;
  int isStarted = 1;
  for (int lane = 1; lane < LaneCount && isStarted; lane++) {
    LaneWorker *worker = &team->workers[lane - 1];
    worker->team = team;
    worker->lane = lane;
    isStarted = pthread_create(&worker->thread, 0, workerMain, worker) == 0;
    team->workerCount += isStarted;
  }
  pthread_sigmask(SIG_SETMASK, &before, 0);
  if (!isStarted) stopLanes(team);
  return isStarted;
}

// Lets the workers begin the next run and returns its number.
static uint64_t beginRun(LaneTeam *team) {
  publishCounter(&team->begun, ++team->run);
  return team->run;
}

static void awaitWorkers(LaneTeam *team, uint64_t run) {
  for (int lane = 1; lane < LaneCount; lane++) awaitCounter(&team->ended[lane], run);
}

// Moves the calling thread to lane 0's processor unless it is there already or must not go there. Returns whether
// `before` holds the mask that it should get back after the run.
static int holdCaller(const LaneTeam *team, cpu_set_t *before) {
  const int processor = team->processors[0];
  if (processor < 0 || sched_getcpu() == processor) return 0;
  if (sched_getaffinity(0, sizeof *before, before) != 0 || !CPU_ISSET(processor, before)) return 0;
  return moveTo(processor);
}

#endif
