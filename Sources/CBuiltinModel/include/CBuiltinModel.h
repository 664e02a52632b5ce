#ifndef C_BUILTIN_MODEL_H
#define C_BUILTIN_MODEL_H
#include <stddef.h>
#pragma clang assume_nonnull begin

/// Bytes that are part of the program; `count` is 0 if the compiler could not put them there.
typedef struct {
  const void *bytes;
  size_t count;
} CBMFile;

/// The files of `static-en-256`, compiled in: a program that was copied alone to another machine has
/// its model with it, and pages that nobody reads are never loaded.
CBMFile cbm_table(void);
CBMFile cbm_vocabulary(void);
CBMFile cbm_configuration(void);

#pragma clang assume_nonnull end
#endif
