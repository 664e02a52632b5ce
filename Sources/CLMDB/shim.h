#include <lmdb.h>
#if defined(__linux__)
#include <sys/vfs.h>
/// F_OFD_SETLK, which the C library shows only to GNU programs: a lock of the open file description.
enum { vdb_lock_open_file = 37 };
/// The kind of file system a path is on, 0 when it cannot be told.
static inline unsigned vdb_file_system_kind(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (unsigned)status.f_type : 0;
}
#endif
