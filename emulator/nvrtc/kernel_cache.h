// The folder of compiled kernels, which processes share. What is in it is run, so it must be the user's own, nobody else may write to it,
// and each library is followed by a checksum that is looked at before the library is mapped.
#pragma once
#include <cstdint>
#include <string>

namespace csunet {

// Names the folder. CSUNET_EMULATOR_CACHE goes before it; without both, or if nobody may trust it, it is one in a temporary folder of this
// process, which is removed at the end.
void set_cache_folder(const std::string& folder);
// Empty if there is none; `problem` says why.
std::string cache_folder(std::string& problem);

// A new folder `name.RANDOM.tmp`, and a file in it that is locked as long as this process lives. The name is random because numbers of
// processes repeat from container to container; what a killed process has left is known by its lock, which nobody holds.
struct WorkFolder {
    std::string path;                                               // empty if it cannot be created
    int lock = -1;
    WorkFolder(const std::string& parent, const std::string& name);
    ~WorkFolder();                                                  // removes it
    WorkFolder(const WorkFolder&) = delete;
};
void remove_leftovers(const std::string& parent);
void remove_tree(const std::string& path);                          // a folder with what is in it, or a file

// Adds the log and a checksum to a library, and flushes it to the disk.
bool seal_library(const std::string& path, const std::string& log);
// Whether a library is there, is the user's own, and has the checksum of its bytes; also reads the log.
bool check_library(const std::string& path, std::string& log);
// Moves a folder into its place, or its library, if the folder is there already with one that is damaged.
bool install_library(WorkFolder& work, const std::string& folder, const std::string& library);

bool read_file(const std::string& path, std::string& text);
bool write_file(const std::string& path, const std::string& text); // fails if there is a file of that name
uint64_t hash(const std::string& text, uint64_t seed);

}
