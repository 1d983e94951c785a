// The planted bugs of sanitizer.cu, each run by a process of its own, which the sanitizer ends: its report must name kind, kernel and line.
#include "check.h"
#include <sstream>

static std::string bugs_path() { return kernels_folder + "/../tests/CudaKernels/sanitizer.cu"; }

static Values launch(const std::string& kernel) {
    Module module("sanitizer.cu", read_file(bugs_path()));
    Values values(128);
    for (size_t i = 0; i < values.size(); i++) values[i] = float(i + 1);
    Device<float> x(values), y(values);
    const float* from = *x;
    if (kernel == "read_freed") {
        Device<float> gone(values);
        from = *gone;
    }
    require(module.launch(kernel, {1}, {128}, kernel == "read_past_dynamic_shared" ? 512 : 0, from, *y), kernel);
    return y.get();
}

void run_planted(const std::string& kernel) {
    launch(kernel);
    printf("the kernel ended, and nothing was reported\n");
}

static std::string output_of(const std::string& command) {
    std::string text;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (!pipe) return "cannot run " + command;
    char buffer[4096];
    while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
    pclose(pipe);
    return text;
}

// Whether one line of the text holds all the words, the last of which no digit follows.
static bool has_line(const std::string& text, const std::vector<std::string>& words) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        size_t at = 0;
        for (const std::string& word : words) {
            if (at != std::string::npos) at = line.find(word, at);
            if (at != std::string::npos) at += word.size();
        }
        if (at != std::string::npos && !(at < line.size() && isdigit(static_cast<unsigned char>(line[at])))) return true;
    }
    return false;
}

void check_planted(const std::string& self) {
    Values got = launch("right_everything"), expected(128);
    for (size_t t = 0; t < 128; t++) expected[t] = float(128 - t) + float(t + 1) * float(t & 3) + 8256;
    same("right_everything", got, expected);
    std::istringstream lines(read_file(bugs_path()));
    int number = 0, planted = 0;
    for (std::string line; std::getline(lines, line);) {
        number++;
        size_t mark = line.find("//! ");
        if (mark == std::string::npos || line.rfind("//", 0) == 0) continue;
        planted++;
        std::istringstream rest(line.substr(mark + 4));
        std::string kernel, kind, words, at = "sanitizer.cu:" + std::to_string(number);
        rest >> kernel >> kind >> std::ws;
        std::getline(rest, words);
        std::string text = output_of(self + " planted=" + kernel);
        // The function that holds the line stands in the frame; a function that it calls may be the innermost one.
        bool undefined = kind == "undefined";
        bool found = has_line(text, {" in ", at}) && has_line(text, {" in " + kernel}) && has_line(text, {words})
            && has_line(text, {undefined ? "runtime error" : "ERROR: AddressSanitizer"})
            && (undefined || has_line(text, {kind + ": kernel " + kernel + ", block (0,0,0), thread"}));
        expect(found, kernel + ": no report of '" + words + "' at " + at + ", but:\n" + text);
    }
    expect(planted > 0, bugs_path() + " plants nothing");
}
