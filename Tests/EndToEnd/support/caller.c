// Calls an exported model from C: caller WEIGHTS INPUTS OUTPUTS, where INPUTS holds the inputs one after the other and
// OUTPUTS receives the outputs in the same way. MODEL is the bundle's name.
#include HEADER

#include <stdio.h>
#include <stdlib.h>

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define CALL(name) JOIN(MODEL, name)

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  MODEL *model = NULL;
  int status = CALL(_create)(argv[1], &model);
  if (status != 0) return fprintf(stderr, "%s\n", CALL(_error)(status)), 1;
  FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
  const int input_count = CALL(_input_count)(), output_count = CALL(_output_count)();
  const void *inputs[16];
  void *outputs[16];
  if (!in || !out || input_count > 16 || output_count > 16) return 3;
  for (int i = 0; i < input_count; i++) {
    const size_t bytes = CALL(_input)(i)->bytes;
    void *memory = malloc(bytes);
    if (!memory || fread(memory, 1, bytes, in) != bytes) return 4;
    inputs[i] = memory;
  }
  for (int i = 0; i < output_count; i++) outputs[i] = malloc(CALL(_output)(i)->bytes);
  status = CALL(_run)(model, inputs, outputs);
  if (status != 0) return fprintf(stderr, "%s\n", CALL(_error)(status)), 1;
  for (int i = 0; i < output_count; i++) fwrite(outputs[i], 1, CALL(_output)(i)->bytes, out);
  CALL(_destroy)(model);
  return fclose(out) != 0;
}
