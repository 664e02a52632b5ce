// Records what a process does to the files below one folder, for rebuilding what a loss of power may
// leave of them. Linux only: preloaded with LD_PRELOAD it stands in front of libc's file calls.
//
//   RECORDER_LOG      the log, appended to
//   RECORDER_ROOT     the folder, an absolute path without links
//   RECORDER_ACK_FD   writes to this descriptor are acknowledgements
//   RECORDER_SWALLOW  set: syncs are not recorded, as if a disk ignored them (the control run)
//
// Each event is a header, its payload and its paths; powerloss.py has the same layout in `Event`.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// C created, E opened and there before the recording, W written, T size set, B sync begins, S sync of a file done, D sync of a folder done,
// K folder made, X folder removed, R renamed, U unlinked, L linked, P mapped for writing, A acknowledged,
// ? something that the model does not know: the run is void.
struct __attribute__((packed)) header {
  uint8_t op;
  uint8_t durable;   // W: written through O_DSYNC or O_SYNC
  uint64_t file;     // our number of the inode
  int64_t offset;    // W: where; T: the size
  uint64_t ticket;   // B, S, D: joins a sync's end to its beginning
  uint32_t length;   // bytes of payload, or of the first path
  uint32_t length2;  // bytes of the second path
};

static int log_fd = -1, ack_fd = -1, swallow;
static char root[PATH_MAX];
static size_t root_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t tickets;

// A file keeps its number whatever its name; an inode used again for a new file gets a new one.
enum { MAX_FILES = 4096 };
static struct { dev_t device; ino_t inode; uint64_t number; } files[MAX_FILES];
static uint64_t file_count;

#define REAL(name)                                            \
  static __typeof__(&name) real;                              \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_write(int fd, const void *bytes, size_t count) {
  REAL(write);
  return real(fd, bytes, count);
}

static void put_all(const void *bytes, size_t count) {
  const char *p = bytes;
  while (count > 0) {
    ssize_t n = real_write(log_fd, p, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) abort();
    p += n;
    count -= (size_t)n;
  }
}

static void put(struct header h, const void *a, const void *b) {
  int saved = errno;
  pthread_mutex_lock(&lock);
  put_all(&h, sizeof h);
  if (h.length) put_all(a, h.length);
  if (h.length2) put_all(b, h.length2);
  pthread_mutex_unlock(&lock);
  errno = saved;
}

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("RECORDER_LOG"), *at = getenv("RECORDER_ROOT");
  const char *ack = getenv("RECORDER_ACK_FD");
  if (!log || !at) return;
  REAL(open);
  log_fd = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  snprintf(root, sizeof root, "%s", at);
  root_length = strlen(root);
  ack_fd = ack ? atoi(ack) : -1;
  swallow = getenv("RECORDER_SWALLOW") != NULL;
}

// The path relative to the root, or NULL when it is elsewhere.
static const char *below(int folder, const char *path, char *buffer) {
  if (log_fd < 0 || !path) return NULL;
  int saved = errno;
  char full[PATH_MAX + 256], parent[PATH_MAX], link[64];
  if (path[0] == '/') {
    snprintf(full, sizeof full, "%s", path);
  } else {
    char base[PATH_MAX];
    ssize_t n;
    if (folder == AT_FDCWD) {
      n = getcwd(base, sizeof base) ? (ssize_t)strlen(base) : -1;
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      n = readlink(link, base, sizeof base - 1);
    }
    if (n < 0) { errno = saved; return NULL; }
    base[n] = 0;
    snprintf(full, sizeof full, "%.*s/%s", (int)n, base, path);
  }
  size_t end = strlen(full);
  while (end > 1 && full[end - 1] == '/') full[--end] = 0;
  char *slash = strrchr(full, '/');
  const char *name = slash + 1;
  *slash = 0;
  // The last part need not exist, its folder does.
  const char *known = realpath(full[0] ? full : "/", parent);
  errno = saved;
  if (!known) return NULL;
  static __thread char whole[2 * PATH_MAX];
  snprintf(whole, sizeof whole, "%s/%s", strcmp(parent, "/") ? parent : "", name);
  if (strncmp(whole, root, root_length) || whole[root_length] != '/') return NULL;
  snprintf(buffer, PATH_MAX, "%s", whole + root_length + 1);
  return buffer;
}

static uint64_t number_of(int fd, int fresh) {
  struct stat s;
  int saved = errno;
  uint64_t number = 0;
  if (log_fd < 0 || fstat(fd, &s)) { errno = saved; return 0; }
  pthread_mutex_lock(&lock);
  uint64_t i = 0;
  while (i < file_count && !(files[i].device == s.st_dev && files[i].inode == s.st_ino)) i++;
  if (i < file_count && !fresh) {
    number = files[i].number;
  } else if (fresh) {
    if (i == file_count) file_count++;
    if (file_count >= MAX_FILES) abort();
    static uint64_t last;
    files[i].device = s.st_dev;
    files[i].inode = s.st_ino;
    files[i].number = number = ++last;
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return number;
}

// 0 for a descriptor of no file that is recorded.
static uint64_t tracked(int fd) { return log_fd < 0 || fd < 0 ? 0 : number_of(fd, 0); }

static int is_folder(int fd) {
  struct stat s;
  return fstat(fd, &s) == 0 && S_ISDIR(s.st_mode);
}

static void unknown(const char *what) {
  put((struct header){.op = '?', .length = (uint32_t)strlen(what)}, what, NULL);
}

static void opened(int fd, const char *path, int flags, int existed) {
  if (fd < 0 || !path) return;
  if (is_folder(fd)) return;
  // A file that was there before the recording gets its number, and its name, when it is first opened.
  uint64_t number = existed ? tracked(fd) : 0;
  if (!number) {
    number = number_of(fd, 1);
    uint8_t op = existed ? 'E' : 'C';
    put((struct header){.op = op, .file = number, .length = (uint32_t)strlen(path)}, path, NULL);
  }
  if (existed && (flags & O_TRUNC)) put((struct header){.op = 'T', .file = number}, NULL, NULL);
}

static int exists(int folder, const char *path) {
  struct stat s;
  int saved = errno, there = fstatat(folder, path, &s, AT_SYMLINK_NOFOLLOW) == 0;
  errno = saved;
  return there;
}

#define OPEN_MODE                                  \
  mode_t mode = 0;                                 \
  if (flags & (O_CREAT | __O_TMPFILE)) {           \
    va_list list;                                  \
    va_start(list, flags);                         \
    mode = (mode_t)va_arg(list, int);              \
    va_end(list);                                  \
  }
#define OPEN_BODY(folder, call)                    \
  char buffer[PATH_MAX];                           \
  const char *name = below(folder, path, buffer);  \
  int existed = name && exists(folder, path);      \
  int fd = call;                                   \
  if (name) {                                      \
    if ((flags & __O_TMPFILE) == __O_TMPFILE) unknown("O_TMPFILE"); \
    else opened(fd, name, flags, existed);         \
  }                                                \
  return fd;

int open(const char *path, int flags, ...) { REAL(open); OPEN_MODE OPEN_BODY(AT_FDCWD, real(path, flags, mode)) }
int open64(const char *path, int flags, ...) { REAL(open64); OPEN_MODE OPEN_BODY(AT_FDCWD, real(path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) { REAL(openat); OPEN_MODE OPEN_BODY(at, real(at, path, flags, mode)) }
int openat64(int at, const char *path, int flags, ...) { REAL(openat64); OPEN_MODE OPEN_BODY(at, real(at, path, flags, mode)) }
int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static void wrote(int fd, uint64_t file, int64_t offset, const void *bytes, size_t count, int through) {
  int flags = fcntl(fd, F_GETFL);
  if (flags & O_APPEND) { unknown("O_APPEND"); return; }
  uint8_t durable = !swallow && (through || (flags & (O_DSYNC | O_SYNC)));
  put((struct header){.op = 'W', .durable = durable, .file = file, .offset = offset,
                      .length = (uint32_t)count}, bytes, NULL);
}

static void wrote_vector(int fd, uint64_t file, int64_t offset, const struct iovec *v, int count,
                         ssize_t written) {
  // One call is one event: what is torn inside it is the model's business.
  char *all = malloc((size_t)written), *p = all;
  ssize_t left = written;
  for (int i = 0; i < count && left > 0; i++) {
    size_t n = v[i].iov_len < (size_t)left ? v[i].iov_len : (size_t)left;
    memcpy(p, v[i].iov_base, n);
    p += n;
    left -= (ssize_t)n;
  }
  wrote(fd, file, offset, all, (size_t)written, 0);
  free(all);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (log_fd >= 0 && fd == ack_fd) {
    // Recorded first: an acknowledgement counts from the moment someone may have seen it.
    put((struct header){.op = 'A', .length = (uint32_t)count}, bytes, NULL);
    return real_write(fd, bytes, count);
  }
  uint64_t file = tracked(fd);
  int64_t offset = file ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t n = real_write(fd, bytes, count);
  if (file && n > 0) wrote(fd, file, offset, bytes, (size_t)n, 0);
  return n;
}
ssize_t writev(int fd, const struct iovec *v, int count) {
  REAL(writev);
  uint64_t file = tracked(fd);
  int64_t offset = file ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t n = real(fd, v, count);
  if (file && n > 0) wrote_vector(fd, file, offset, v, count, n);
  return n;
}
#define PWRITE(name, offset_type)                                                   \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type offset) {       \
    REAL(name);                                                                     \
    uint64_t file = tracked(fd);                                                    \
    ssize_t n = real(fd, bytes, count, offset);                                     \
    if (file && n > 0) wrote(fd, file, offset, bytes, (size_t)n, 0);                \
    return n;                                                                       \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
#define PWRITEV(name, offset_type)                                                  \
  ssize_t name(int fd, const struct iovec *v, int count, offset_type offset) {      \
    REAL(name);                                                                     \
    uint64_t file = tracked(fd);                                                    \
    ssize_t n = real(fd, v, count, offset);                                         \
    if (file && n > 0) wrote_vector(fd, file, offset, v, count, n);                 \
    return n;                                                                       \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

static void synced(int fd, int (*sync)(int), int *result) {
  int folder = log_fd >= 0 && is_folder(fd);
  char link[64], path[PATH_MAX], relative[PATH_MAX] = "";
  uint64_t file = folder ? 0 : tracked(fd), ticket = 0;
  int within = 0;
  if (folder) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 0) {
      path[n] = 0;
      within = !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
      if (within && path[root_length]) snprintf(relative, sizeof relative, "%s", path + root_length + 1);
    }
  }
  int record = (file || within) && !swallow;
  if (record) {
    // What is written while the sync runs may or may not be covered by it.
    ticket = __atomic_add_fetch(&tickets, 1, __ATOMIC_SEQ_CST);
    put((struct header){.op = 'B', .ticket = ticket}, NULL, NULL);
  }
  *result = sync(fd);
  if (record && *result == 0) {
    if (file) put((struct header){.op = 'S', .file = file, .ticket = ticket}, NULL, NULL);
    else put((struct header){.op = 'D', .ticket = ticket, .length = (uint32_t)strlen(relative)}, relative, NULL);
  }
}
int fsync(int fd) { REAL(fsync); int r; synced(fd, real, &r); return r; }
int fdatasync(int fd) { REAL(fdatasync); int r; synced(fd, real, &r); return r; }

#define TRUNCATE(name, offset_type)                                                                      \
  int name(int fd, offset_type size) {                                                                   \
    REAL(name);                                                                                          \
    uint64_t file = tracked(fd);                                                                         \
    int r = real(fd, size);                                                                              \
    if (file && r == 0) put((struct header){.op = 'T', .file = file, .offset = size}, NULL, NULL);       \
    return r;                                                                                            \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

static void named(int op, const char *a, const char *b) {
  put((struct header){.op = (uint8_t)op, .length = a ? (uint32_t)strlen(a) : 0,
                      .length2 = b ? (uint32_t)strlen(b) : 0}, a, b);
}
static void two_names(int op, const char *old, int to, const char *b, int result) {
  char buffer[PATH_MAX];
  const char *new = below(to, b, buffer);
  if (result || (!old && !new)) return;
  if (old && new) named(op, old, new);
  else unknown("a name moved across the recorded folder's edge");
}
int rename(const char *a, const char *b) {
  REAL(rename);
  char buffer[PATH_MAX];
  const char *old = below(AT_FDCWD, a, buffer);
  int r = real(a, b);
  two_names('R', old, AT_FDCWD, b, r);
  return r;
}
int renameat(int from, const char *a, int to, const char *b) {
  REAL(renameat);
  char buffer[PATH_MAX];
  const char *old = below(from, a, buffer);
  int r = real(from, a, to, b);
  two_names('R', old, to, b, r);
  return r;
}
int renameat2(int from, const char *a, int to, const char *b, unsigned flags) {
  REAL(renameat2);
  char buffer[PATH_MAX];
  const char *old = below(from, a, buffer);
  int r = real(from, a, to, b, flags);
  if (!r && old && (flags & RENAME_EXCHANGE)) unknown("RENAME_EXCHANGE");
  else two_names('R', old, to, b, r);
  return r;
}
int link(const char *a, const char *b) {
  REAL(link);
  char buffer[PATH_MAX];
  const char *old = below(AT_FDCWD, a, buffer);
  int r = real(a, b);
  two_names('L', old, AT_FDCWD, b, r);
  return r;
}
int linkat(int from, const char *a, int to, const char *b, int flags) {
  REAL(linkat);
  char buffer[PATH_MAX];
  const char *old = below(from, a, buffer);
  int r = real(from, a, to, b, flags);
  two_names('L', old, to, b, r);
  return r;
}
static void one_name(int op, const char *name, int result) {
  if (name && result == 0) named(op, name, NULL);
}
int unlink(const char *path) {
  REAL(unlink);
  char buffer[PATH_MAX];
  const char *name = below(AT_FDCWD, path, buffer);
  int r = real(path);
  one_name('U', name, r);
  return r;
}
int unlinkat(int at, const char *path, int flags) {
  REAL(unlinkat);
  char buffer[PATH_MAX];
  const char *name = below(at, path, buffer);
  int r = real(at, path, flags);
  one_name(flags & AT_REMOVEDIR ? 'X' : 'U', name, r);
  return r;
}
int remove(const char *path) {
  struct stat s;
  return lstat(path, &s) == 0 && S_ISDIR(s.st_mode) ? rmdir(path) : unlink(path);
}
int rmdir(const char *path) {
  REAL(rmdir);
  char buffer[PATH_MAX];
  const char *name = below(AT_FDCWD, path, buffer);
  int r = real(path);
  one_name('X', name, r);
  return r;
}
int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  char buffer[PATH_MAX];
  const char *name = below(AT_FDCWD, path, buffer);
  int r = real(path, mode);
  one_name('K', name, r);
  return r;
}
int mkdirat(int at, const char *path, mode_t mode) {
  REAL(mkdirat);
  char buffer[PATH_MAX];
  const char *name = below(at, path, buffer);
  int r = real(at, path, mode);
  one_name('K', name, r);
  return r;
}

// Stores through a map cannot be seen from here; powerloss.py allows them for lock files alone.
#define MAP(name, offset_type)                                                                \
  void *name(void *at, size_t size, int protection, int flags, int fd, offset_type offset) {  \
    REAL(name);                                                                               \
    void *r = real(at, size, protection, flags, fd, offset);                                  \
    if (r != MAP_FAILED && (protection & PROT_WRITE) && (flags & MAP_SHARED) && fd >= 0) {    \
      uint64_t file = tracked(fd);                                                            \
      if (file) put((struct header){.op = 'P', .file = file}, NULL, NULL);                    \
    }                                                                                         \
    return r;                                                                                 \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

// Calls that nothing here uses; if that changes, the run says so instead of passing unseen.
ssize_t copy_file_range(int in, off64_t *a, int out, off64_t *b, size_t n, unsigned flags) {
  REAL(copy_file_range);
  if (tracked(out)) unknown("copy_file_range");
  return real(in, a, out, b, n, flags);
}
ssize_t sendfile(int out, int in, off_t *offset, size_t n) {
  REAL(sendfile);
  if (tracked(out)) unknown("sendfile");
  return real(out, in, offset, n);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  REAL(fallocate);
  if (tracked(fd)) unknown("fallocate");
  return real(fd, mode, offset, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  REAL(posix_fallocate);
  if (tracked(fd)) unknown("posix_fallocate");
  return real(fd, offset, size);
}
int truncate(const char *path, off_t size) {
  REAL(truncate);
  char buffer[PATH_MAX];
  if (below(AT_FDCWD, path, buffer)) unknown("truncate");
  return real(path, size);
}
ssize_t pwritev2(int fd, const struct iovec *v, int count, off_t offset, int flags) {
  REAL(pwritev2);
  if (tracked(fd)) unknown("pwritev2");
  return real(fd, v, count, offset, flags);
}
void sync(void) { REAL(sync); real(); }
