// The self-test of a bundle in C: loads weights and vectors, runs every vector twice (on aligned memory, and on memory
// that is off by one byte, which the library has to copy), compares, and says PASS or FAIL.

func selfTestText(_ request: BundleRequest) -> String {
    selfTestTemplate
        .replacing("@P@", with: request.name)
        .replacing("@RELATIVE@", with: request.tolerance.relative.description)
        .replacing("@ABSOLUTE@", with: request.tolerance.absolute.description)
        .replacing("@MAGIC@", with: VectorsFile.magic.replacing("\n", with: "\\n"))
        .replacing("@VERSION@", with: String(VectorsFile.version))
}

private let selfTestTemplate = #"""
    // Runs the test vectors of this bundle: @P@_selftest [FOLDER OF THE BUNDLE]. Exit status 0 and a last line PASS
    // when every output agrees with what is expected, else 1 and FAIL.
    #include "@P@.h"

    #include <math.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    enum { Line = 64, Version = @VERSION@ };
    static const double Relative = @RELATIVE@, Absolute = @ABSOLUTE@;

    static int fail(const char *what, const char *why) {
      printf("%s: %s\nFAIL\n", what, why);
      return 1;
    }

    static size_t roundedUp(size_t bytes) { return (bytes + Line - 1) / Line * Line; }

    static float halfToFloat(unsigned h) {
      const int exponent = h >> 10 & 31;
      const float mantissa = (float)(h & 1023);
      float value = exponent == 0 ? ldexpf(mantissa, -24) : ldexpf(mantissa + 1024, exponent - 25);
      if (exponent == 31) value = mantissa != 0 ? NAN : INFINITY;
      return h >> 15 ? -value : value;
    }

    static double element(const char *dtype, const unsigned char *p, size_t i) {
      if (strcmp(dtype, "f64") == 0) {
        double v;
        memcpy(&v, p + 8 * i, sizeof v);
        return v;
      }
      if (strcmp(dtype, "f32") == 0) {
        float v;
        memcpy(&v, p + 4 * i, sizeof v);
        return v;
      }
      uint16_t h;
      memcpy(&h, p + 2 * i, sizeof h);
      if (strcmp(dtype, "f16") == 0) return halfToFloat(h);
      const uint32_t bits = (uint32_t)h << 16;
      float v;
      memcpy(&v, &bits, sizeof v);
      return v;
    }

    // Whether a agrees with the expected b.
    static int agrees(double a, double b, double greatest) {
      if (isnan(b)) return isnan(a);
      if (isinf(b)) return a == b;
      return fabs(a - b) <= Relative * fabs(b) + Absolute * greatest;
    }

    static size_t disagreements(const @P@_tensor *t, const unsigned char *got, const unsigned char *expected) {
      // integers, bool, and floats of 8 and 4 bits, which are codes
      const int isFloat = (t->dtype[0] == 'f' && t->dtype[1] != '8' && t->dtype[1] != '4')
          || strcmp(t->dtype, "bf16") == 0;
      if (!isFloat) return memcmp(got, expected, t->bytes) != 0;
      const size_t width = strcmp(t->dtype, "f64") == 0 ? 8 : strcmp(t->dtype, "f32") == 0 ? 4 : 2;
      const size_t count = t->bytes / width;
      double greatest = 0;
      for (size_t i = 0; i < count; i++) {
        const double b = fabs(element(t->dtype, expected, i));
        if (isfinite(b) && b > greatest) greatest = b;
      }
      size_t wrong = 0;
      for (size_t i = 0; i < count; i++) {
        wrong += !agrees(element(t->dtype, got, i), element(t->dtype, expected, i), greatest);
      }
      return wrong;
    }

    static unsigned char *readFile(const char *path, size_t *bytes) {
      FILE *file = fopen(path, "rb");
      if (!file) return NULL;
      unsigned char *data = NULL;
      if (fseek(file, 0, SEEK_END) == 0 && ftell(file) >= 0) {
        *bytes = (size_t)ftell(file);
        rewind(file);
        data = aligned_alloc(Line, roundedUp(*bytes + 1));
        if (data && fread(data, 1, *bytes, file) != *bytes) {
          free(data);
          data = NULL;
        }
      }
      fclose(file);
      return data;
    }

    // Runs one vector; `shift` puts every tensor that many bytes off its line. Returns what is wrong, or null.
    static const char *runVector(@P@ *model, const unsigned char *at, int shift) {
      static char message[160];
      const int inputCount = @P@_input_count(), outputCount = @P@_output_count();
      const void **inputs = calloc((size_t)inputCount + 1, sizeof *inputs);
      void **outputs = calloc((size_t)outputCount + 1, sizeof *outputs);
      unsigned char **blocks = calloc((size_t)(inputCount + outputCount) + 1, sizeof *blocks);
      if (!inputs || !outputs || !blocks) return "not enough memory";
      for (int i = 0; i < inputCount + outputCount; i++) {
        const @P@_tensor *t = i < inputCount ? @P@_input(i) : @P@_output(i - inputCount);
        blocks[i] = aligned_alloc(Line, roundedUp(t->bytes + Line));
        if (!blocks[i]) return "not enough memory";
        if (i < inputCount) {
          inputs[i] = memcpy(blocks[i] + shift, at, t->bytes);
          at += roundedUp(t->bytes);
        } else {
          outputs[i - inputCount] = memset(blocks[i] + shift, 0xff, t->bytes);
        }
      }
      const int status = @P@_run(model, inputs, outputs);
      const char *why = status == @P@_ok ? NULL : @P@_error(status);
      for (int i = 0; i < outputCount && !why; i++) {
        const @P@_tensor *t = @P@_output(i);
        const size_t wrong = disagreements(t, outputs[i], at);
        at += roundedUp(t->bytes);
        if (wrong == 0) continue;
        snprintf(message, sizeof message, "output %d differs from what is expected (elements: %zu)", i, wrong);
        why = message;
      }
      for (int i = 0; i < inputCount + outputCount; i++) free(blocks[i]);
      free(blocks);
      free(outputs);
      free(inputs);
      return why;
    }

    static size_t vectorBytes(void) {
      size_t bytes = 0;
      for (int i = 0; i < @P@_input_count(); i++) bytes += roundedUp(@P@_input(i)->bytes);
      for (int i = 0; i < @P@_output_count(); i++) bytes += roundedUp(@P@_output(i)->bytes);
      return bytes;
    }

    int main(int argc, char **argv) {
      char folder[4000] = "..", path[4096];
      const char *slash = strrchr(argv[0], '/');
      if (argc > 1) snprintf(folder, sizeof folder, "%s", argv[1]);
      else if (slash) snprintf(folder, sizeof folder, "%.*s/..", (int)(slash - argv[0]), argv[0]);

      snprintf(path, sizeof path, "%s/vectors.bin", folder);
      size_t bytes = 0;
      unsigned char *data = readFile(path, &bytes);
      if (!data) return fail(path, "cannot be read; give the folder of the bundle as the first argument");
      uint32_t version = 0, count = 0;
      if (bytes >= Line) {
        memcpy(&version, data + 8, sizeof version);
        memcpy(&count, data + 12, sizeof count);
      }
      if (bytes < Line || memcmp(data, "@MAGIC@", 8) != 0 || version != Version) return fail(path, "no vectors file");
      if (bytes != Line + count * vectorBytes()) return fail(path, "not as long as it should be");

      snprintf(path, sizeof path, "%s/weights.bin", folder);
      @P@ *model = NULL;
      const int status = @P@_create(path, &model);
      if (status != @P@_ok) return fail(path, @P@_error(status));
      int failed = 0;
      for (uint32_t n = 0; n < count; n++) {
        const unsigned char *at = data + Line + n * vectorBytes();
        const char *why = runVector(model, at, 0);
        if (!why) why = runVector(model, at, 1);
        printf("vector %u: %s\n", (unsigned)n, why ? why : "agrees");
        failed |= why != NULL;
      }
      @P@_destroy(model);
      free(data);
      printf("%s\n", failed ? "FAIL" : "PASS");
      return failed;
    }

    """#
