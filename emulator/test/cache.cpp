// The cache of compiled kernels, on files of a few bytes: what is damaged, or not the user's own, is never taken for a library.
#include <filesystem>
#include "client.h"
#include "../nvrtc/kernel_cache.cpp"

static std::string made(const std::string& path, const std::string& text, int mode = 0600) {
    csunet::remove_tree(path);
    csunet::write_file(path, text);
    chmod(path.c_str(), mode_t(mode));
    return path;
}
static bool there(const std::string& path) {
    struct stat status;
    return lstat(path.c_str(), &status) == 0;
}

static void test_damage(const std::string& parent) {
    std::string folder = parent + "/" + std::string(32, 'a'), library = folder + "/csunet_kernels.so", log, whole;
    auto build = [&] {
        csunet::WorkFolder work(parent, std::string(32, 'a'));
        csunet::write_file(work.path + "/csunet_kernels.so", "a library of a few bytes");
        bool good = csunet::seal_library(work.path + "/csunet_kernels.so", "warning: a log\n")
            && csunet::install_library(work, folder, library);
        return good && csunet::check_library(library, log) && log == "warning: a log\n";
    };
    expect(!csunet::check_library(library, log), "there is no library");
    expect(build(), "a library is built");
    csunet::read_file(library, whole);
    for (size_t length = 0; length < whole.size(); length++) {
        made(library, whole.substr(0, length));
        expect(!csunet::check_library(library, log), "cut to " + std::to_string(length));
    }
    for (size_t at = 0; at < whole.size(); at++) {
        std::string flipped = whole;
        flipped[at] ^= 1;
        made(library, flipped);
        expect(!csunet::check_library(library, log), "another bit at " + std::to_string(at));
    }
    made(library, whole + "x");
    expect(!csunet::check_library(library, log), "a byte more");
    made(library, whole);
    expect(csunet::check_library(library, log), "whole again");
    made(library, whole, 0620);
    expect(!csunet::check_library(library, log), "the group may write it");
    made(library, whole);
    chmod(folder.c_str(), 0777);
    expect(!csunet::check_library(library, log), "everybody may write its folder");
    expect(build(), "built in place of a folder that everybody may write");
    expect(access((folder + "/csunet_kernels.so").c_str(), R_OK) == 0 && !there(folder + "/lock"), "and nothing else stays");
    made(library, "");
    expect(build(), "built in place of an empty file");
    unlink(library.c_str());
    expect(build(), "built into a folder without it");
    unlink(library.c_str());
    mkdir(library.c_str(), 0700);
    expect(build(), "built in place of a folder");
    made(parent + "/victim", "text");
    unlink(library.c_str());
    expect(symlink((parent + "/victim").c_str(), library.c_str()) == 0 && !csunet::check_library(library, log), "a link is no library");
    std::string victim;
    expect(build() && csunet::read_file(parent + "/victim", victim) && victim == "text", "a link is replaced, not followed");
    made(folder, "a file");
    expect(build(), "built in place of a file that is called like the folder");
    expect(build(), "built although it is there");
}

static void test_leftovers(const std::string& parent) {
    std::string key(32, 'b'), killed;
    int ends[2];
    require(pipe(ends), "pipe");
    pid_t child = fork();
    if (child == 0) {
        auto* work = new csunet::WorkFolder(parent, key);
        csunet::write_file(work->path + "/kernels.o", "unfinished");
        if (write(ends[1], work->path.c_str(), work->path.size()) < 0) _exit(1);
        _exit(0);                                       // as if it were killed
    }
    close(ends[1]);
    char name[4096];
    for (ssize_t n; (n = read(ends[0], name, sizeof name)) > 0;) killed.append(name, size_t(n));
    close(ends[0]);
    csunet::WorkFolder living(parent, key), second(parent, key);
    expect(living.path != second.path && !living.path.empty(), "two folders of one key have two names");
    expect(there(killed + "/kernels.o"), "a killed process leaves its folder");
    std::string foreign = parent + "/results.old.tmp", early = parent + "/" + key + "." + std::string(32, '0') + ".tmp";
    mkdir(foreign.c_str(), 0700);
    mkdir(early.c_str(), 0700);                         // as if its lock file were about to be made
    csunet::remove_leftovers(parent);
    expect(!there(killed), "the folder of a killed process is removed");
    expect(there(living.path), "the folder of a living process stays");
    expect(there(foreign), "a folder of another name stays");
    expect(there(early), "a folder that was just made stays");
}

static void test_places(const std::string& parent) {
    std::string problem, mode = parent + "/open", before = getenv("CSUNET_EMULATOR_CACHE") ? getenv("CSUNET_EMULATOR_CACHE") : "";
    std::string temporary = getenv("TMPDIR") ? getenv("TMPDIR") : "";
    auto chosen = [&](const std::string& folder) {
        setenv("CSUNET_EMULATOR_CACHE", folder.c_str(), 1);
        problem.clear();
        return csunet::cache_folder(problem);
    };
    expect(chosen(parent + "/new/below") == parent + "/new/below" && there(parent + "/new/below"), "a folder is made");
    mkdir(mode.c_str(), 0700);
    setenv("TMPDIR", "/csunet-no-such-folder", 1);
    for (int bits : {0777, 0770, 0702}) {
        chmod(mode.c_str(), mode_t(bits));
        expect(chosen(mode).empty() && problem.find("others may write to " + mode) != std::string::npos && problem.find("TMPDIR") !=
            std::string::npos, "a folder that others may write: " + problem);
    }
    chmod(mode.c_str(), 0777);
    expect(chosen(mode + "/below").empty(), "a folder below one that everybody may write");
    chmod(mode.c_str(), 01777);
    expect(chosen(mode + "/below") == mode + "/below", "a folder below one that is like /tmp");
    expect(chosen("relative").empty() && problem.find("no absolute path") != std::string::npos && !there("relative"), "a relative path");
    expect(chosen(made(parent + "/file", "")).empty(), "a file");
    setenv("TMPDIR", parent.c_str(), 1);
    std::string own = chosen("relative");
    struct stat status;
    expect(own.rfind(parent + "/csunet-cache-", 0) == 0 && !stat(own.c_str(), &status) && (status.st_mode & 0777) == 0700,
        "a temporary folder in its place");
    temporary.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", temporary.c_str(), 1);
    before.empty() ? unsetenv("CSUNET_EMULATOR_CACHE") : setenv("CSUNET_EMULATOR_CACHE", before.c_str(), 1);
}

void test_cache() {
    std::string folder = (std::filesystem::temp_directory_path() / "csunet-cache-test-XXXXXX").string();
    if (!mkdtemp(folder.data())) return expect(false, "no temporary folder");
    test_damage(folder);
    test_leftovers(folder);
    test_places(folder);
    csunet::remove_tree(folder);
}
