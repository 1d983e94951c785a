// Counts the calls by which a process changes the files of one folder, and at a chosen call kills the process, fails, or copies the folder.
// Loaded with LD_PRELOAD, between .NET's native part and the C library. interrupt_arm, or CSUNET_INTERRUPT=FUNCTION:CALL:ACTION:FOLDER in
// the environment, chooses: ACTION -1 kills, -2 copies the folder to FOLDER.copy and goes on, a positive number is returned in errno, by
// this call, or with 1000 added by this call and all later ones of the function.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

enum { OPEN, WRITE, FSYNC, RENAME, LINK, UNLINK, MKDIR, RMDIR, FTRUNCATE, FUNCTIONS };
enum { KILL = -1, COPY = -2, FROM_NOW_ON = 1000 };
static const char* const names[FUNCTIONS] = {"open", "write", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "ftruncate"};
static atomic_int calls[FUNCTIONS], hits;
static int chosen = -1, number, action;
static char folder[4096];
static __thread int inside;

static int function_of(const char* name) {
    for (int i = 0; i < FUNCTIONS; i++)
        if (!strcmp(names[i], name)) return i;
    return -1;
}
// Begins to count. A function of another name only counts.
void interrupt_arm(const char* function, int call, int what, const char* path) {
    for (int i = 0; i < FUNCTIONS; i++) calls[i] = 0;
    hits = 0;
    chosen = function_of(function);
    number = call;
    action = what;
    snprintf(folder, sizeof folder, "%s", path);
}
int interrupt_calls(const char* function) { return function_of(function) < 0 ? -1 : calls[function_of(function)]; }
int interrupt_hits(void) { return hits; }

__attribute__((constructor)) static void read_environment(void) {
    const char* text = getenv("CSUNET_INTERRUPT");
    char function[32];
    int call, what, at = 0;
    if (text && sscanf(text, "%31[a-z]:%d:%d:%n", function, &call, &what, &at) == 3 && at) interrupt_arm(function, call, what, text + at);
}

static void copy_folder(void) {
    char target[4200];
    snprintf(target, sizeof target, "%s.copy", folder);
    char* command[] = {"cp", "-a", folder, target, NULL};
    pid_t child;
    int status;
    inside = 1;
    if (!posix_spawnp(&child, "cp", NULL, NULL, command, environ))
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    inside = 0;
}

// What a call on a path, or on an open file if that is null, is to return in errno; 0: it is to be made.
static int interrupted(int function, const char* path, int file) {
    char name[4096], link[64];
    if (!folder[0] || inside) return 0;
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, name, sizeof name - 1);
        if (length < 0) return 0;
        name[length] = 0;
        path = name;
    }
    if (strncmp(path, folder, strlen(folder))) return 0;
    int call = atomic_fetch_add(&calls[function], 1) + 1;
    int from_now_on = action > FROM_NOW_ON;
    if (function != chosen || (from_now_on ? call < number : call != number)) return 0;
    hits++;
    if (action == KILL) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (action == COPY) {
        copy_folder();
        return 0;
    }
    return from_now_on ? action - FROM_NOW_ON : action;
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define STOP(function, path, file) \
    int failure = interrupted(function, path, file); \
    if (failure) return errno = failure, -1

int rename(const char* from, const char* to) { NEXT(rename); STOP(RENAME, to, 0); return next(from, to); }
int link(const char* from, const char* to) { NEXT(link); STOP(LINK, to, 0); return next(from, to); }
int unlink(const char* path) { NEXT(unlink); STOP(UNLINK, path, 0); return next(path); }
int rmdir(const char* path) { NEXT(rmdir); STOP(RMDIR, path, 0); return next(path); }
int mkdir(const char* path, mode_t mode) { NEXT(mkdir); STOP(MKDIR, path, 0); return next(path, mode); }
int fsync(int file) { NEXT(fsync); STOP(FSYNC, NULL, file); return next(file); }
int ftruncate(int file, off_t length) { NEXT(ftruncate); STOP(FTRUNCATE, NULL, file); return next(file, length); }
int ftruncate64(int file, off64_t length) { NEXT(ftruncate64); STOP(FTRUNCATE, NULL, file); return next(file, length); }
ssize_t write(int file, const void* bytes, size_t count) { NEXT(write); STOP(WRITE, NULL, file); return next(file, bytes, count); }
ssize_t pwrite(int file, const void* bytes, size_t count, off_t at) { NEXT(pwrite); STOP(WRITE, NULL, file); return next(file, bytes, count, at); }
ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t at) { NEXT(pwrite64); STOP(WRITE, NULL, file); return next(file, bytes, count, at); }
ssize_t pwritev64(int file, const struct iovec* parts, int count, off64_t at) { NEXT(pwritev64); STOP(WRITE, NULL, file); return next(file, parts, count, at); }

#define OPENS(name) \
    int name(const char* path, int flags, ...) { \
        NEXT(name); \
        va_list more; \
        va_start(more, flags); \
        int mode = flags & O_CREAT ? va_arg(more, int) : 0; \
        va_end(more); \
        if (flags & (O_CREAT | O_TRUNC)) { STOP(OPEN, path, 0); } \
        return next(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)
