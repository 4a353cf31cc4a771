// The parts of a printed program that are the same for every model, but for the prefix (`@P@`) and the places where
// several lanes have more than one (ProgramLanes.swift): processor check, memory and weights, entering and leaving a
// run.

enum ProgramTemplate {
    /// cpuid is asked directly: the compilers' own helper would bring a constructor into the library.
    static let cpuCheck = """
        #if defined(__x86_64__) || defined(__i386__)
        #include <cpuid.h>
        static int cpuSuffices(void) {
          unsigned a, b, c, d;
          if (!__get_cpuid(1, &a, &b, &c, &d) || (c & @LEAF1@) != @LEAF1@) return 0;
          if (@STATE@ != 0) {
            unsigned low, high;
            if (!(c >> 27 & 1)) return 0;  // the system does not save vector state
            __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
            if ((low & @STATE@) != @STATE@) return 0;
          }
          if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & @LEAF7@) != @LEAF7@) return 0;
          if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || (c & @EXTENDED@) != @EXTENDED@) return 0;
          return 1;
        }
        #else
        static int cpuSuffices(void) { return 0; }
        #endif
        """

    static let state = """
        struct @P@ {
          char *block, *weights;  // what was mapped, for destroy
          size_t blockBytes;
          char *memory;
          int cancelled, running;
        @MODEL@};

        // What the steps of one run see.
        typedef struct {
          char *arena, *weights, *scratch;
          char *const *in, *const *out;
          const int *cancelled;
          int64_t s[ScalarCount];
        @LANE@} Lane;

        static inline int isCancelled(const Lane *l) { return __atomic_load_n(l->cancelled, __ATOMIC_RELAXED); }
        """

    static let loading = """
        // Maps the weights file after a look at its header.
        static int mapWeights(struct @P@ *self, const char *path) {
          const int file = open(path, O_RDONLY | O_CLOEXEC);
          if (file < 0) return @P@_no_weights;
          struct stat facts;
          if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
            close(file);
            return @P@_no_weights;
          }
          unsigned char header[WeightsHeaderBytes];
          const ssize_t got = pread(file, header, sizeof header, 0);
          uint32_t version = 0;
          uint64_t bytes = 0;
          int status = @P@_ok;
          if (got < 8 || memcmp(header, WeightsMagic, 8) != 0) {
            status = @P@_not_weights;
          } else if (got < WeightsHeaderBytes) {
            status = @P@_truncated_weights;
          } else {
            memcpy(&version, header + 8, sizeof version);
            memcpy(&bytes, header + 16, sizeof bytes);
            if (version != WeightsVersion) status = @P@_other_version;
            else if (memcmp(header + 24, WeightsDigest, 32) != 0 || bytes != WeightsBytes) status = @P@_other_program;
            else if ((uint64_t)facts.st_size != WeightsBytes) status = @P@_truncated_weights;
          }
          if (status == @P@_ok) {
            void *map = mmap(0, WeightsBytes, PROT_READ, MAP_PRIVATE, file, 0);
            if (map == MAP_FAILED) status = @P@_no_memory;
            else self->weights = map;
          }
          close(file);
          return status;
        }

        // One block on a border of huge pages, zeroed. Huge pages are asked for up to the last one that is at least
        // half used. The weights stay a mapping of their file: they are read as fast, and nothing holds them twice.
        static int mapMemory(struct @P@ *self) {
          const size_t huge = (size_t)2 << 20, bytes = (MemoryBytes + huge - 1) / huge * huge;
          void *block = mmap(0, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          if (block == MAP_FAILED) return @P@_no_memory;
          self->block = block;
          self->blockBytes = bytes + huge;
          self->memory = (char *)(((uintptr_t)block + huge - 1) / huge * huge);
        #ifdef MADV_HUGEPAGE
          const size_t worth = (MemoryBytes + huge / 2) / huge * huge;
          if (worth > 0) madvise(self->memory, worth, MADV_HUGEPAGE);
        #endif
          // Pages exist from now on, one behind the memory too: where the last lanes of a masked vector lie on a page
          // that does not exist, every such load and store takes hundreds of cycles.
          for (size_t at = 0; at < MemoryBytes + 4096; at += 4096) ((volatile char *)self->memory)[at] = 0;
          return @P@_ok;
        }

        API void @P@_destroy(struct @P@ *self) {
          if (!self) return;
        @STOP@  if (self->weights) munmap(self->weights, WeightsBytes);
          if (self->block) munmap(self->block, self->blockBytes);
          free(self);
        }

        API int @P@_create(const char *weights_path, struct @P@ **made) {
          if (!made) return @P@_null_argument;
          *made = 0;
          if (!weights_path) return @P@_null_argument;
          if (!cpuSuffices()) return @P@_no_cpu;
          struct @P@ *self = @ALLOCATE@;
          if (!self) return @P@_no_memory;
          int status = mapWeights(self, weights_path);
          if (status == @P@_ok) status = mapMemory(self);
        @START@  if (status != @P@_ok) {
            @P@_destroy(self);
            return status;
          }
          *made = self;
          return @P@_ok;
        }
        """

    static let fastMath = """
        // Denormals cost up to a hundred times a normal number and count as zero during a run.
        #if defined(__SSE__)
        static unsigned enterFastMath(void) {
          const unsigned before = __builtin_ia32_stmxcsr();
          __builtin_ia32_ldmxcsr(before | 0x8040u);
          return before;
        }
        static void leaveFastMath(unsigned before) { __builtin_ia32_ldmxcsr(before); }
        #else
        static unsigned enterFastMath(void) { return 0; }
        static void leaveFastMath(unsigned before) { (void)before; }
        #endif
        """

    static let running = """
        static int isMisaligned(const void *p) { return ((uintptr_t)p & 63) != 0; }

        API int @P@_run(struct @P@ *self, const void *const *inputs, void *const *outputs) {
          char *in[InputCount + 1], *out[OutputCount + 1];
          if (!self || (InputCount > 0 && !inputs) || (OutputCount > 0 && !outputs)) return @P@_null_argument;
          for (int i = 0; i < InputCount; i++) {
            if (!inputs[i]) return @P@_null_argument;
          }
          for (int i = 0; i < OutputCount; i++) {
            if (!outputs[i]) return @P@_null_argument;
          }
          if (__atomic_exchange_n(&self->running, 1, __ATOMIC_ACQUIRE)) return @P@_busy;
          for (int i = 0; i < InputCount; i++) {
            in[i] = (char *)(uintptr_t)inputs[i];
            if (isMisaligned(inputs[i])) in[i] = memcpy(self->memory + InputPlaces[i], inputs[i], Inputs[i].bytes);
          }
          for (int i = 0; i < OutputCount; i++) {
            out[i] = isMisaligned(outputs[i]) ? self->memory + OutputPlaces[i] : outputs[i];
          }
          const int status = runSteps(self, in, out);
          for (int i = 0; i < OutputCount && status == @P@_ok; i++) {
            if (out[i] != (char *)outputs[i]) memcpy(outputs[i], out[i], Outputs[i].bytes);
          }
          __atomic_store_n(&self->cancelled, 0, __ATOMIC_RELAXED);
          __atomic_store_n(&self->running, 0, __ATOMIC_RELEASE);
          return status;
        }
        """

    static let asking = """
        API void @P@_cancel(struct @P@ *self) {
          if (self) __atomic_store_n(&self->cancelled, 1, __ATOMIC_RELAXED);
        }

        API int @P@_input_count(void) { return InputCount; }
        API int @P@_output_count(void) { return OutputCount; }

        API const @P@_tensor *@P@_input(int index) {
          return index >= 0 && index < InputCount ? &Inputs[index] : 0;
        }
        API const @P@_tensor *@P@_output(int index) {
          return index >= 0 && index < OutputCount ? &Outputs[index] : 0;
        }
        """
}
