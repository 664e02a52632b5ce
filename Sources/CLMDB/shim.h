#include <lmdb.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
/// F_OFD_SETLK, which the C library shows only to GNU programs: a lock of the open file description.
enum { vdb_lock_open_file = 37 };
/// The kind of file system a path is on, 0 when it cannot be told.
static inline unsigned vdb_file_system_kind(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (unsigned)status.f_type : 0;
}
/// Has the system begin to write to the disk what its cache holds of a file, without waiting for that;
/// 0 when it did. The C library shows sync_file_range only to GNU programs.
static inline int vdb_start_writeback(int file) {
  enum { sync_file_range_write = 2 };
  return (int)syscall(SYS_sync_file_range, file, 0L, 0L, sync_file_range_write);
}
#endif
