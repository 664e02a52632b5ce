// For CodesLoop.h, where there are no registers to keep a query in: it is read where it lies. Included
// after TARGET is defined.

typedef struct kept_query {
  const int8_t *code;
} kept_query;

TARGET VK_INLINE kept_query keep(const int8_t *code, uint32_t columns) {
  (void)columns;
  return (kept_query){code};
}
