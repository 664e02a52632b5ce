// For CodesLoop.h, where there are no registers to keep a query in: it is read where it lies. Included
// after TARGET is defined.

typedef vk_code_query kept_query;

TARGET VK_INLINE kept_query keep(const vk_code_query *query, uint32_t columns) {
  (void)columns;
  return *query;
}
