/* A disk that answers with an error. While the file BROKEN_DISK names exists and says "rws /folder", what is
   asked (r: read, w: write, s: sync) of files and folders below fails with EIO. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_broken(int descriptor, char call) {
    const char *flag = getenv("BROKEN_DISK");
    char link[64], path[PATH_MAX], calls[8], folder[PATH_MAX - 16];
    int before = errno, said = 0;
    FILE *file = flag ? fopen(flag, "re") : NULL;
    if (file) {
        said = fscanf(file, "%7s %4000s", calls, folder);
        fclose(file);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = said == 2 && strchr(calls, call) ? readlink(link, path, sizeof path - 1) : -1;
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(descriptor, call) if (is_broken(descriptor, call)) { errno = EIO; return -1; }

int fsync(int fd) { FAIL(fd, 's') return REAL(fsync)(fd); }
int fdatasync(int fd) { FAIL(fd, 's') return REAL(fdatasync)(fd); }
ssize_t write(int fd, const void *b, size_t n) { FAIL(fd, 'w') return REAL(write)(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { FAIL(fd, 'w') return REAL(pwrite)(fd, b, n, at); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { FAIL(fd, 'w') return REAL(pwrite64)(fd, b, n, at); }
ssize_t pread(int fd, void *b, size_t n, off_t at) { FAIL(fd, 'r') return REAL(pread)(fd, b, n, at); }
ssize_t pread64(int fd, void *b, size_t n, off64_t at) { FAIL(fd, 'r') return REAL(pread64)(fd, b, n, at); }
