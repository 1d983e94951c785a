#include "kernel_cache.h"
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace csunet {

// ---- files
bool read_file(const std::string& path, std::string& text) {
    FILE* file = fopen(path.c_str(), "rbe");
    if (!file) return false;
    char buffer[65536];
    text.clear();
    while (size_t n = fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    bool good = !ferror(file);
    fclose(file);
    return good;
}
static bool write_all(int file, const std::string& text) {
    for (size_t at = 0; at < text.size();) {
        ssize_t n = write(file, text.data() + at, text.size() - at);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) at += size_t(n);
    }
    return true;
}
bool write_file(const std::string& path, const std::string& text) {
    int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return false;
    bool good = write_all(file, text);
    return close(file) == 0 && good;
}
static void flush_folder(const std::string& path) {
    int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    fsync(folder);
    close(folder);
}
static void make_folders(const std::string& path) {
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) mkdir(path.substr(0, at).c_str(), 0700);
    mkdir(path.c_str(), 0700);
}
void remove_tree(const std::string& path) {
    struct stat status;
    if (lstat(path.c_str(), &status)) return;
    if (!S_ISDIR(status.st_mode)) {
        unlink(path.c_str());
        return;
    }
    if (DIR* folder = opendir(path.c_str())) {
        while (dirent* entry = readdir(folder))
            if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_tree(path + "/" + entry->d_name);
        closedir(folder);
    }
    rmdir(path.c_str());
}

// ---- the folder
static bool is_own(const struct stat& status) { return status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH)); }

// Why a folder may not be used; empty if it may. It is created if it is not there.
static std::string folder_problem(const std::string& folder) {
    if (folder.empty() || folder[0] != '/') return "'" + folder + "' is no absolute path";
    make_folders(folder);
    char* full = realpath(folder.c_str(), nullptr);
    std::string path = full ? full : "", why = strerror(errno);
    free(full);
    struct stat status;
    if (path.empty() || stat(path.c_str(), &status)) return folder + " cannot be created (" + why + ")";
    if (!S_ISDIR(status.st_mode)) return folder + " is no folder";
    if (status.st_uid != geteuid()) return folder + " belongs to another user (number " + std::to_string(status.st_uid) + ")";
    if (!is_own(status)) return "others may write to " + folder + " (chmod go-w " + folder + ")";
    if (access(path.c_str(), W_OK)) return folder + " cannot be written (" + strerror(errno) + ")";
    // As in /tmp, the sticky bit protects the entries of a folder that everybody may write.
    for (size_t end = path.rfind('/'); end != std::string::npos; end = end ? path.rfind('/', end - 1) : std::string::npos) {
        std::string above = end ? path.substr(0, end) : "/";
        if (!stat(above.c_str(), &status) && (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
            return "everybody may write to " + above + ", above it (chmod o-w " + above + ")";
    }
    return "";
}

static std::mutex folder_mutex;
static auto& named_folder = *new std::string;
static auto& private_folder = *new std::string;

void set_cache_folder(const std::string& folder) {
    std::lock_guard guard(folder_mutex);
    named_folder = folder;
}

static int hold_lock(const std::string& folder);

// A temporary folder of this process, instead of one that cannot be used.
static std::string make_private(const std::string& reason, std::string& problem) {
    if (!private_folder.empty()) return private_folder;
    const char* set = getenv("TMPDIR");
    std::string parent = set && *set ? set : "/tmp", path = parent + "/csunet-cache-XXXXXX";
    if (parent[0] != '/' || !mkdtemp(path.data())) {
        problem = "no folder for compiled kernels: " + reason + "; and no temporary folder can be created in " + parent + " (" +
            (parent[0] == '/' ? strerror(errno) : "no absolute path") + "; set TMPDIR)";
        return "";
    }
    hold_lock(path);
    private_folder = path;
    atexit([] { remove_tree(private_folder); });
    if (reason != "") fprintf(stderr, "note: compiled kernels go to a temporary folder and are lost at the end, because %s\n", reason.c_str());
    return path;
}

std::string cache_folder(std::string& problem) {
    std::lock_guard guard(folder_mutex);
    const char* set = getenv("CSUNET_EMULATOR_CACHE");
    std::string folder = set && *set ? set : named_folder;
    if (folder.empty()) return make_private("", problem);
    std::string reason = folder_problem(folder);
    return reason.empty() ? folder : make_private(reason, problem);
}

// ---- work folders
static std::string random_digits() {
    unsigned char bytes[16];
    if (getentropy(bytes, sizeof bytes)) return "";
    char text[33];
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

// A lock file has its name only while it is locked: if nobody holds it, its process has ended.
static int hold_lock(const std::string& folder) {
    std::string unnamed = folder + "/lock.new";
    int file = open(unnamed.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) rename(unnamed.c_str(), (folder + "/lock").c_str());
    return file;
}

WorkFolder::WorkFolder(const std::string& parent, const std::string& name) {
    std::string digits = random_digits(), folder = parent + "/" + name + "." + digits + ".tmp";
    if (digits.empty() || mkdir(folder.c_str(), 0700)) return;
    path = folder;
    lock = hold_lock(path);
}
WorkFolder::~WorkFolder() {
    if (!path.empty()) remove_tree(path);
    if (lock >= 0) close(lock);
}

static bool is_hex(const std::string& text, size_t length) {
    return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// KEY.RANDOM.tmp, and KEY.PROCESS.NUMBER of earlier versions.
static bool is_work_name(const std::string& name) {
    size_t first = name.find('.'), last = name.rfind('.');
    if (first == std::string::npos || first == last) return false;
    std::string key = name.substr(0, first), middle = name.substr(first + 1, last - first - 1), end = name.substr(last + 1);
    if (!is_hex(key, 32) && !is_hex(key, 16) && key != "copies") return false;
    return (end == "tmp" && is_hex(middle, 32))
        || (!end.empty() && (middle + end).find_first_not_of("0123456789") == std::string::npos);
}

void remove_leftovers(const std::string& parent) {
    DIR* folder = opendir(parent.c_str());
    if (!folder) return;
    constexpr time_t Longest = 24 * 3600;                           // where the file system has no locks
    while (dirent* entry = readdir(folder)) {
        if (!is_work_name(entry->d_name)) continue;
        std::string path = parent + "/" + entry->d_name;
        struct stat status;
        if (lstat(path.c_str(), &status) || !S_ISDIR(status.st_mode) || status.st_uid != geteuid()) continue;
        int lock = open((path + "/lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        bool left = lock >= 0 ? flock(lock, LOCK_EX | LOCK_NB) == 0 : time(nullptr) - status.st_mtime > Longest;
        if (left) remove_tree(path);
        if (lock >= 0) close(lock);
    }
    closedir(folder);
}

// ---- libraries
uint64_t hash(const std::string& text, uint64_t seed) {
    uint64_t h = seed;
    for (unsigned char c : text) h = (h ^ c) * 0x100000001B3ull;
    return h ^ h >> 29;
}

// What follows a library and its log.
struct Seal {
    char mark[16];
    uint64_t log_bytes, sums[2];
};
static const char SealMark[] = "csunet-kernels-2";

static Seal seal_of(const std::string& content, uint64_t log_bytes) {
    Seal seal{};
    memcpy(seal.mark, SealMark, sizeof seal.mark);
    seal.log_bytes = log_bytes;
    seal.sums[0] = hash(content, 0xCBF29CE484222325ull + log_bytes);
    seal.sums[1] = hash(content, 0x84222325CBF29CE4ull ^ log_bytes);
    return seal;
}

bool seal_library(const std::string& path, const std::string& log) {
    std::string content;
    if (!read_file(path, content)) return false;
    content += log;
    Seal seal = seal_of(content, log.size());
    int file = open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return false;
    bool good = write_all(file, log + std::string(reinterpret_cast<const char*>(&seal), sizeof seal)) && fchmod(file, 0600) == 0
        && fsync(file) == 0;
    return close(file) == 0 && good;
}

bool check_library(const std::string& path, std::string& log) {
    struct stat status;
    std::string content;
    Seal seal;
    // The folder too: it may have been put there while the folder above it could be written.
    if (lstat(path.substr(0, path.rfind('/')).c_str(), &status) || !S_ISDIR(status.st_mode) || !is_own(status)) return false;
    if (lstat(path.c_str(), &status) || !S_ISREG(status.st_mode) || !is_own(status)) return false;
    if (!read_file(path, content) || content.size() <= sizeof seal) return false;
    memcpy(&seal, content.data() + content.size() - sizeof seal, sizeof seal);
    content.resize(content.size() - sizeof seal);
    Seal right = seal_of(content, seal.log_bytes);
    if (memcmp(&seal, &right, sizeof seal) || seal.log_bytes >= content.size()) return false;
    log = content.substr(content.size() - seal.log_bytes);
    return true;
}

bool install_library(WorkFolder& work, const std::string& folder, const std::string& library) {
    struct stat status;
    std::string name = library.substr(library.rfind('/')), log;
    if (lstat(folder.c_str(), &status) == 0 && (!S_ISDIR(status.st_mode) || !is_own(status))) remove_tree(folder);
    unlink((work.path + "/lock").c_str());
    if (rename(work.path.c_str(), folder.c_str())) {
        // It is there: another process was faster, or its library is damaged. One that is whole is replaced by its equal.
        if (lstat(library.c_str(), &status) == 0 && !check_library(library, log))
            fprintf(stderr, "note: %s was damaged; it was compiled again\n", library.c_str());
        if (lstat(library.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) remove_tree(library);
        if (rename((work.path + name).c_str(), library.c_str())) return false;
    } else {
        work.path.clear();
    }
    flush_folder(folder);
    flush_folder(folder.substr(0, folder.rfind('/')));
    return true;
}

}
