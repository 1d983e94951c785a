// Minimal parsing and rewriting of kernel sources.
#include "kernel_build.h"
#include <algorithm>
#include <cctype>

namespace csunet {

// The text with comments and literals blanked out: positions stay, and their contents are not mistaken for code.
static std::string code_only(const std::string& source) {
    std::string code = source;
    for (size_t i = 0; i < code.size();) {
        size_t end;
        if (code.compare(i, 2, "//") == 0) end = code.find('\n', i);
        else if (code.compare(i, 2, "/*") == 0) end = code.find("*/", i) == std::string::npos ? code.size() : code.find("*/", i) + 2;
        else if (code[i] == '"' || (code[i] == '\'' && (i == 0 || !isalnum(static_cast<unsigned char>(code[i - 1]))))) {
            end = i + 1;
            while (end < code.size() && code[end] != code[i] && code[end] != '\n') end += code[end] == '\\' ? 2 : 1;
            end++;
            // extern "C" matters
            if (source.compare(i, end - i, "\"C\"") == 0) {
                i = end;
                continue;
            }
        } else {
            i++;
            continue;
        }
        end = std::min(end, code.size());
        for (size_t k = i; k < end; k++)
            if (code[k] != '\n') code[k] = ' ';
        i = end;
    }
    return code;
}

static bool is_word(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The position after the parenthesis that closes the one at `open`.
static size_t past_parentheses(const std::string& code, size_t open) {
    int depth = 0;
    for (size_t i = open; i < code.size(); i++) {
        if (code[i] == '(') depth++;
        if (code[i] == ')' && --depth == 0) return i + 1;
    }
    return std::string::npos;
}

struct KernelText { size_t keyword, body; std::string bounds, name; bool in_macro; };

static std::vector<KernelText> find_kernels(const std::string& code) {
    std::vector<KernelText> kernels;
    const std::string keyword = "__global__", bounds_word = "__launch_bounds__";
    for (size_t at = code.find(keyword); at != std::string::npos; at = code.find(keyword, at + 1)) {
        if ((at && is_word(code[at - 1])) || is_word(code[at + keyword.size()])) continue;
        KernelText kernel{at, std::string::npos, "1024", "", false};
        size_t line = code.rfind('\n', at) + 1, first = code.find_first_not_of(" \t", line);
        // Also the continued lines of a macro.
        kernel.in_macro = code[first] == '#' || (line >= 2 && code[line - 2] == '\\');
        size_t i = at + keyword.size();
        while (i < code.size() && code[i] != '{' && code[i] != ';') {
            if (code.compare(i, bounds_word.size(), bounds_word) == 0) {
                size_t open = code.find('(', i), end = past_parentheses(code, open);
                if (end == std::string::npos) break;
                kernel.bounds = code.substr(open + 1, end - open - 2);
                i = end;
            } else if (code[i] == '(') {
                size_t end = i;
                while (end > 0 && isspace(static_cast<unsigned char>(code[end - 1]))) end--;
                size_t start = end;
                while (start > 0 && is_word(code[start - 1])) start--;
                kernel.name = code.substr(start, end - start);
                i = past_parentheses(code, i);
            } else {
                i++;
            }
        }
        if (i < code.size() && code[i] == '{') kernel.body = i;
        kernels.push_back(kernel);
    }
    return kernels;
}

std::string plant_entries(const std::string& source, bool& all) {
    std::string result = source;
    auto kernels = find_kernels(code_only(source));
    all = true;
    for (size_t k = kernels.size(); k-- > 0;) {
        if (kernels[k].in_macro) all = false;
        else if (kernels[k].body != std::string::npos) result.insert(kernels[k].body + 1, " CSUNET_ENTER(" + kernels[k].bounds + ");");
    }
    return result;
}

std::vector<std::string> extern_c_kernels(const std::string& source) {
    std::string code = code_only(source);
    std::vector<std::string> names;
    for (const KernelText& kernel : find_kernels(code)) {
        size_t before = code.find_last_not_of(" \t\n", kernel.keyword ? kernel.keyword - 1 : 0);
        if (before != std::string::npos && before >= 2 && code.compare(before - 2, 3, "\"C\"") == 0 && kernel.body != std::string::npos)
            names.push_back(kernel.name);
    }
    return names;
}

static std::string without_spaces(const std::string& text) {
    std::string out;
    for (char c : text)
        if (!isspace(static_cast<unsigned char>(c))) out += c;
    return out;
}

std::string report_name(const std::string& source, const std::string& expression) {
    const std::string word = "EXPORT_KERNEL(";
    std::string wanted = without_spaces(expression);
    if (!wanted.empty() && wanted[0] == '&') wanted.erase(0, 1);
    for (size_t at = source.find(word); at != std::string::npos; at = source.find(word, at + 1)) {
        size_t comma = source.find(',', at), open = source.find('(', comma), end = past_parentheses(source, open);
        if (comma == std::string::npos || open == std::string::npos || end == std::string::npos) break;
        if (without_spaces(source.substr(open + 1, end - open - 2)) == wanted)
            return without_spaces(source.substr(at + word.size(), comma - at - word.size()));
    }
    return wanted;
}

std::string lowered_name(const KernelProgram& program, size_t expression) {
    const std::string& text = program.expressions[expression];
    std::string target = without_spaces(text[0] == '&' ? text.substr(1) : text);
    for (const std::string& name : extern_c_kernels(program.source))
        if (name == target) return name;
    std::string lowered = "csunet_" + std::to_string(expression) + "_";
    for (char c : report_name(program.source, text)) lowered += is_word(c) ? c : '_';
    return lowered;
}

}
