// What every kernel that these checks run asks of memory, beside its ideal, and the committed table of that: a ratio that rises fails with
// the line behind it, and so does a kernel above 1.25 times the ideal whose file does not say why. A kernel needs a check if threads work
// together in its file; other kernels are checked and profiled on the operators' cases (tests/Gpu, csunet kernels profile).
#include "check.h"
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

// Sectors of global memory and wavefronts of shared memory.
struct Cost {
    long long actual = 0, ideal = 0;
    double ratio() const { return ideal ? double(actual) / double(ideal) : 1; }
};
struct KernelCost {
    Cost global, shared;
    long long matrix = 0;
    std::map<std::string, Cost> global_lines, shared_lines;
};
using Profile = std::map<std::string, KernelCost>;

static const double Limit = 1.25;
static const char Heading[] = "kernel,sectors,sectors_ideal,sectors_ratio,wavefronts,wavefronts_ideal,wavefronts_ratio,matrix_instructions";

static Profile read_profile() {
    std::istringstream lines(symbol<const char*()>("csunet_emulator_profile_csv")());
    std::string line;
    std::getline(lines, line);
    Profile profile;
    while (std::getline(lines, line)) {
        std::replace(line.begin(), line.end(), ',', ' ');
        std::istringstream words(line);
        std::string kernel, place, memory, direction;
        long long size, requests, bytes, actual, ideal;
        words >> kernel >> place >> memory >> direction >> size >> requests >> bytes >> actual >> ideal;
        KernelCost& cost = profile[kernel];
        if (memory == "matrix") {
            cost.matrix += requests;
            continue;
        }
        bool global = memory == "global";
        for (Cost* sum : {global ? &cost.global : &cost.shared, &(global ? cost.global_lines : cost.shared_lines)[place]})
            sum->actual += actual, sum->ideal += ideal;
        if (getenv("VERBOSE") && actual > ideal)
            printf("  %-40s %-24s %s %-5s %2lld bytes %7lld requests %.2f\n", kernel.c_str(), place.c_str(), memory.c_str(), direction.c_str(), size, requests,
                double(actual) / double(ideal));
    }
    return profile;
}

// Whether threads of a block work together in a source, by shared memory, barriers, shuffles or products of a warp: such code can be right
// for the shapes and the schedule of one run, and wrong for others.
static bool threads_cooperate(const std::string& source) {
    static const std::regex words("SHARED|__sync|__shfl|(warp|group|block|lanes)_(sum|max|softmax)|column_statistics|cp_async|ldmatrix|mma_m");
    return std::regex_search(source, words);
}

static std::string table_of(const Profile& profile) {
    std::string text = std::string(Heading) + "\n";
    for (auto& [kernel, cost] : profile) {
        char numbers[200];
        snprintf(numbers, sizeof numbers, ",%lld,%lld,%.3f,%lld,%lld,%.3f,%lld\n", cost.global.actual, cost.global.ideal, cost.global.ratio(),
            cost.shared.actual, cost.shared.ideal, cost.shared.ratio(), cost.matrix);
        text += kernel + numbers;
    }
    return text;
}

// The line with the most sectors or wavefronts above the ideal.
static std::string worst_line(const std::map<std::string, Cost>& lines) {
    std::string worst = "no line";
    long long excess = 0;
    for (auto& [line, cost] : lines)
        if (cost.actual - cost.ideal > excess) excess = cost.actual - cost.ideal, worst = line;
    return worst + " (" + std::to_string(excess) + " above the ideal)";
}

using Complaints = std::vector<std::string>;
static const char Update[] = "; if that is meant: tests/CudaKernels/run update";

static Complaints compare_with(const std::string& committed, const Profile& profile) {
    std::istringstream lines(committed);
    std::string line;
    std::getline(lines, line);
    if (line != Heading) return {std::string("the table's first line should be ") + Heading};
    Complaints complaints;
    std::set<std::string> listed;
    while (std::getline(lines, line)) {
        std::replace(line.begin(), line.end(), ',', ' ');
        std::istringstream words(line);
        std::string kernel;
        Cost global, shared;
        double global_ratio, shared_ratio;
        words >> kernel >> global.actual >> global.ideal >> global_ratio >> shared.actual >> shared.ideal >> shared_ratio;
        listed.insert(kernel);
        auto found = profile.find(kernel);
        if (found == profile.end()) {
            complaints.push_back("the table lists " + kernel + ", which no check runs" + Update);
            continue;
        }
        auto rise = [&](const char* unit, const Cost& before, const Cost& after, const std::map<std::string, Cost>& places) {
            if (after.ratio() <= before.ratio() + 1e-9) return;
            char text[200];
            snprintf(text, sizeof text, ": %s rose from %.3f to %.3f times the ideal, most of it at ", unit, before.ratio(), after.ratio());
            complaints.push_back(kernel + text + worst_line(places) + Update);
        };
        rise("sectors of global memory", global, found->second.global, found->second.global_lines);
        rise("wavefronts of shared memory", shared, found->second.shared, found->second.shared_lines);
    }
    for (auto& [kernel, cost] : profile)
        if (!listed.count(kernel)) complaints.push_back(kernel + " is not in the table: tests/CudaKernels/run update");
    return complaints;
}

// A file's reasons: lines of the form "// Over 1.25 times the ideal: kernel, kernel_*: why".
struct Reason { std::string file, text; std::vector<std::string> kernels; };
static bool matches(const std::string& pattern, const std::string& kernel) {
    return std::regex_match(kernel, std::regex(std::regex_replace(pattern, std::regex("\\*"), "\\w*")));
}

static Complaints check_reasons(const Profile& profile) {
    Complaints complaints;
    auto demand = [&](bool good, const std::string& text) {
        if (!good) complaints.push_back(text);
    };
    std::set<std::string> over;
    for (auto& [kernel, cost] : profile)
        if (std::max(cost.global.ratio(), cost.shared.ratio()) > Limit) over.insert(kernel);
    for (auto& entry : std::filesystem::directory_iterator(kernels_folder)) {
        if (entry.path().extension() != ".cu") continue;
        std::string file = entry.path().filename(), source = read_file(entry.path()), line;
        std::vector<std::string> patterns;
        std::istringstream lines(source);
        const std::regex form("// Over 1\\.25 times the ideal: ([\\w*, ]+): (.+)");
        for (std::smatch match; std::getline(lines, line);) {
            if (line.find("Over 1.25 times the ideal") == std::string::npos) continue;
            bool good = std::regex_match(line, match, form);
            demand(good, file + ": '" + line + "' should read '// Over 1.25 times the ideal: kernel, kernel_*: reason'");
            if (!good) continue;
            std::istringstream names(match[1].str());
            for (std::string name; names >> name;) patterns.push_back(name.substr(0, name.find(',')));
        }
        std::set<std::string> used;
        for (auto& [kernel, expression] : exports(source)) {
            bool run = profile.count(kernel) > 0;
            demand(run || !threads_cooperate(source), kernel + " of " + file + " is run by no check, though threads work together in it");
            if (!run || !over.count(kernel)) continue;
            bool explained = false;
            for (auto& pattern : patterns)
                if (matches(pattern, kernel)) explained = true, used.insert(pattern);
            const KernelCost& cost = profile.at(kernel);
            bool global = cost.global.ratio() > Limit;
            char ratio[50];
            snprintf(ratio, sizeof ratio, " is at %.2f times the ideal ", global ? cost.global.ratio() : cost.shared.ratio());
            demand(explained, kernel + ratio + (global ? "sectors" : "wavefronts") + ", most of it at " + worst_line(global ? cost.global_lines : cost.shared_lines)
                + "; improve it, or say why in " + file + ": // Over 1.25 times the ideal: " + kernel + ": reason");
        }
        for (auto& pattern : patterns) demand(used.count(pattern) > 0, file + " says why " + pattern + " is over 1.25 times the ideal, but no such kernel is");
    }
    return complaints;
}

// The table of kernels/README.md: per file, from the least to the most that its kernels ask over their ideals.
static std::string range_of(const std::vector<double>& ratios) {
    if (ratios.empty()) return "";
    auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    char low[20], high[20];
    snprintf(low, sizeof low, "%.2f", *least), snprintf(high, sizeof high, "%.2f", *most);
    return std::string(low) == high ? low : std::string(low) + " to " + high;
}
static std::string summary_of(const Profile& profile) {
    std::set<std::string> names;
    for (auto& entry : std::filesystem::directory_iterator(kernels_folder))
        if (entry.path().extension() == ".cu") names.insert(entry.path().filename());
    std::string text = "| file | kernels | sectors | wavefronts |\n|---|---|---|---|\n";
    for (auto& name : names) {
        std::vector<double> sectors, wavefronts;
        for (auto& [kernel, expression] : exports(read_file(kernels_folder + "/" + name))) {
            auto found = profile.find(kernel);
            if (found == profile.end()) continue;
            sectors.push_back(found->second.global.ratio());
            if (found->second.shared.ideal) wavefronts.push_back(found->second.shared.ratio());
        }
        if (!sectors.empty())
            text += "| `" + name + "` | " + std::to_string(sectors.size()) + " | " + range_of(sectors) + " | " + range_of(wavefronts) + " |\n";
    }
    return text;
}

// The page with that table between its two markers; the page itself without them.
static std::string page_with(const std::string& page, const std::string& summary) {
    const std::string begin = "<!-- written by tests/CudaKernels/run update -->\n", end = "<!-- end -->\n";
    size_t from = page.find(begin), to = page.find(end, from);
    if (from == std::string::npos || to == std::string::npos) return page;
    from += begin.size();
    return page.substr(0, from) + summary + page.substr(to);
}
static Complaints check_page(const std::string& page, const Profile& profile) {
    std::string summary = summary_of(profile);
    if (page.find(summary) != std::string::npos && page_with(page, summary) == page) return {};
    return {"the table of kernels/README.md is not that of these checks: tests/CudaKernels/run update"};
}

// The checks notice what they are for: a profile with one kernel changed is complained about, by kernel and line.
static void check_the_checks(const Profile& profile) {
    const std::string kernel = "layer_norm_forward_96_float32", table = table_of(profile);
    auto noticed = [&](const Complaints& complaints, const std::string& start, const std::string& part, const char* what) {
        expect(complaints.size() == 1 && complaints[0].rfind(start, 0) == 0 && complaints[0].find(part) != std::string::npos,
            std::string("not noticed: ") + what + (complaints.empty() ? "" : ", but: " + complaints[0]));
    };
    expect(compare_with(table, profile).empty(), "a profile equals its own table");
    std::string page = page_with("a\n<!-- written by tests/CudaKernels/run update -->\nold\n<!-- end -->\nb\n", summary_of(profile));
    expect(check_page(page, profile).empty() && page.find("old") == std::string::npos, "a page with its own table");
    Profile worse = profile, fewer = profile;
    KernelCost& cost = worse.at(kernel);
    std::string line = cost.global_lines.begin()->first;
    cost.global.actual *= 2;
    cost.global_lines.begin()->second.actual += cost.global.actual / 2;
    noticed(compare_with(table, worse), kernel + ": sectors of global memory rose from 1.000 to 2.000", line, "a rise");
    noticed(check_reasons(worse), kernel + " is at 2.00 times the ideal sectors", line, "a kernel over the limit without a reason");
    fewer.erase(kernel);
    noticed(check_page(page, fewer), "the table of kernels/README.md", "update", "a page of other kernels");
    noticed(compare_with(table, fewer), "the table lists " + kernel, "no check runs", "a kernel that is gone");
    noticed(check_reasons(fewer), kernel + " of layer_norm.cu is run by no check", "", "a kernel without a check");
    expect(threads_cooperate("float m = warp_sum(v);") && !threads_cooperate(read_file(kernels_folder + "/add.cu")), "what needs a check");
    noticed(compare_with(table_of(fewer), profile), kernel + " is not in the table", "update", "a new kernel");
}

void print_profile() {
    Profile profile = read_profile();
    printf("  %-48s %8s %8s %9s\n", "times the ideal", "sectors", "wavefr.", "matrix");
    for (auto& [kernel, cost] : profile) {
        printf("  %-48s %8.2f", kernel.c_str(), cost.global.ratio());
        if (cost.shared.ideal) printf(" %8.2f", cost.shared.ratio());
        else printf(" %8s", "");
        if (cost.matrix) printf(" %9lld", cost.matrix);
        printf("\n");
    }
}

void check_profile(const std::string& path, bool update) {
    Profile profile = read_profile();
    std::string page = kernels_folder + "/README.md";
    auto report_all = [](const Complaints& complaints) {
        for (auto& text : complaints) expect(false, text);
    };
    report_all(check_reasons(profile));
    if (!update) {
        check_the_checks(profile);
        report_all(compare_with(read_file(path), profile));
        report_all(check_page(read_file(page), profile));
        return;
    }
    for (auto& [target, text] : {std::pair(path, table_of(profile)), std::pair(page, page_with(read_file(page), summary_of(profile)))}) {
        std::ofstream file(target);
        file << text;
        file.close();
        expect(file.good(), "cannot write " + target);
        printf("written: %s\n", target.c_str());
    }
}
