// Timing: one untimed call, a warm-up, then samples that each hold enough calls to last the least sample time.
// A sample during which the thread was switched out against its will is thrown away and taken again, a limited number
// of times. Rounds time several works in turn, each for the same number of calls.
// Input: the work and the request's settings. Output: the reply's samples.
#define _GNU_SOURCE
#include <string.h>

#include "include/csystem_process.h"
#include "measure_internal.h"

enum { GROWTHS_MAX = 4 };
static const double cold_call_slack_ns = 1e6;  // a first call pays for page faults and symbol binding

void iw_work_call(iw_work *work) {
  if (work->run) {
    int status = work->run(work->model, work->inputs, work->outputs);
    if (status != 0 && work->run_status == 0) work->run_status = status;
    return;
  }
  void *const *pointers = work->pointers + work->next_copy * work->pointers_per_copy;
  if (++work->next_copy == work->copies) work->next_copy = 0;
  for (size_t i = 0; i < work->step_count; i++) {
    const iw_step *step = &work->steps[i];
    step->function(pointers + step->table, 0, step->tasks, step->scratch);
  }
}

static double time_calls(iw_work *work, uint64_t calls) {
  int64_t start = iw_clock_ns();
  for (uint64_t i = 0; i < calls; i++) iw_work_call(work);
  return (double)(iw_clock_ns() - start);
}

static void keep_sample(iw_reply *reply, double elapsed, uint64_t calls, uint64_t switches) {
  iw_sample *sample = &reply->samples[reply->sample_count++];
  sample->ns_per_call = elapsed / (double)calls;
  sample->calls = calls;
  sample->involuntary_switches = switches;
}

// Runs ever larger batches until one lasts the warm-up time; returns its time per call and the calls it made.
static double warm_up(iw_work *work, const iw_request *request, uint64_t *calls, uint64_t *last) {
  for (uint64_t batch = 1;; batch *= 2) {
    double elapsed = time_calls(work, batch);
    *calls += batch;
    *last = batch;
    if (work->run_status != 0 || elapsed >= (double)request->warm_ns || batch >= 1ull << 40)
      return elapsed / (double)batch;
  }
}

static int too_slow(const iw_request *request, double ns) { return request->cutoff_ns > 0 && ns > request->cutoff_ns; }

static void take_samples(iw_work *work, const iw_request *request, iw_reply *reply, double estimate_ns) {
  double wanted = (double)request->sample_ns_min / (estimate_ns > 0.1 ? estimate_ns : 0.1);
  uint64_t calls = wanted < 1 ? 1 : (uint64_t)wanted + 1;
  int growths = 0;
  while (reply->sample_count < request->samples && work->run_status == 0) {
    int64_t before = iw_thread_involuntary_switches();
    double elapsed = time_calls(work, calls);
    uint64_t switches = (uint64_t)(iw_thread_involuntary_switches() - before);
    reply->calls += calls;
    if (elapsed < 0.9 * (double)request->sample_ns_min && growths < GROWTHS_MAX) {
      growths++;
      double factor = (double)request->sample_ns_min / (elapsed > 1 ? elapsed : 1);
      calls = (uint64_t)((double)calls * (factor > 100 ? 100 : factor) * 1.05) + 1;
      continue;
    }
    if (switches != 0 && reply->dropped < IW_DROPPED_MAX) {
      reply->dropped++;
      continue;
    }
    keep_sample(reply, elapsed, calls, switches);
    if (too_slow(request, elapsed / (double)calls)) {
      reply->cut = 1;
      return;
    }
  }
}

void iw_work_time(iw_work *work, const iw_request *request, iw_reply *reply) {
  double first = time_calls(work, 1);
  reply->calls = 1;
  if (work->run_status != 0) return;
  if (request->cutoff_ns > 0 && first > 4 * request->cutoff_ns + cold_call_slack_ns) {
    reply->cut = 1;
    keep_sample(reply, first, 1, 0);
    return;
  }
  uint64_t calls = 0, last = 0;
  double estimate = warm_up(work, request, &calls, &last);
  reply->calls += calls;
  if (work->run_status != 0) return;
  if (too_slow(request, estimate)) {
    reply->cut = 1;
    keep_sample(reply, estimate * (double)last, last, 0);
    return;
  }
  take_samples(work, request, reply, estimate);
}

// One sample of a contestant. A kernel that is repeated is called once untimed first, so that a short one does not pay
// for the caches that another left behind.
static double round_sample(iw_work *work, const iw_request *request, iw_reply *reply, uint64_t *switches) {
  if (request->calls > 1) {
    iw_work_call(work);
    reply->calls++;
  }
  for (;;) {
    int64_t before = iw_thread_involuntary_switches();
    double elapsed = time_calls(work, request->calls);
    *switches = (uint64_t)(iw_thread_involuntary_switches() - before);
    reply->calls += request->calls;
    if (*switches == 0 || reply->dropped >= IW_DROPPED_MAX) return elapsed;
    reply->dropped++;
  }
}

void iw_work_rounds(iw_work *works, const uint8_t *order, const iw_request *request, iw_reply *reply) {
  uint32_t count = request->kernel_count;
  // an untimed round pays for page faults and symbol binding
  for (uint32_t k = 0; k < count; k++) iw_work_call(&works[k]);
  reply->calls = count;
  for (uint32_t round = 0; round < request->samples; round++)
    for (uint32_t place = 0; place < count; place++) {
      uint32_t k = order[round * count + place];
      iw_sample *sample = &reply->samples[round * count + k];
      double elapsed = round_sample(&works[k], request, reply, &sample->involuntary_switches);
      sample->calls = request->calls;
      sample->ns_per_call = elapsed / (double)request->calls;
    }
  reply->sample_count = request->samples * count;
}
