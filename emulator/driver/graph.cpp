// Graphs: captured work, executed again in the captured order with the captured arguments.
#include "driver.h"

using namespace csunet;

static GraphExec* instantiate(const Graph& graph) {
    auto* executable = new GraphExec;
    for (auto& node : graph.nodes) executable->nodes.push_back(*node);
    return executable;
}

CSUNET_API int cuGraphCreate(void** graph, unsigned flags) {
    if (int status = ready()) return status;
    if (!graph || flags) return InvalidValue;
    *graph = handles().graphs.add(new Graph);
    return Success;
}
CSUNET_API int cuGraphDestroy(void* graph) {
    if (int status = ready()) return status;
    Graph* found = handles().graphs.remove(graph);
    delete found;
    return found ? int(Success) : int(InvalidValue);
}
CSUNET_API int cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
    if (int status = ready()) return status;
    Graph* found = handles().graphs.find(graph);
    if (!found || !count) return InvalidValue;
    if (nodes)
        for (size_t i = 0; i < *count; i++) nodes[i] = i < found->nodes.size() ? found->nodes[i].get() : nullptr;
    if (!nodes || *count > found->nodes.size()) *count = found->nodes.size();
    return Success;
}
// CUgraphNodeType: kernel 0, copy 1, fill 2, empty 5.
CSUNET_API int cuGraphNodeGetType(void* node, int* type) {
    if (int status = ready()) return status;
    if (!node || !type) return InvalidValue;
    auto kind = static_cast<Work*>(node)->kind;
    *type = kind == Work::Launch || kind == Work::Host ? 0 : kind == Work::Fill ? 2 : kind == Work::Marker ? 5 : 1;
    return Success;
}
CSUNET_API int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    if (int status = ready()) return status;
    Graph* found = handles().graphs.find(graph);
    if (!executable || !found) return InvalidValue;
    *executable = handles().executables.add(instantiate(*found));
    return Success;
}
CSUNET_API int cuGraphInstantiate_v2(void** executable, void* graph, void** error_node, char* log, size_t log_bytes) {
    if (error_node) *error_node = nullptr;
    if (log && log_bytes) log[0] = 0;
    return cuGraphInstantiateWithFlags(executable, graph, 0);
}
CSUNET_API int cuGraphInstantiate(void** executable, void* graph, void** error_node, char* log, size_t log_bytes) {
    return cuGraphInstantiate_v2(executable, graph, error_node, log, log_bytes);
}
CSUNET_API int cuGraphExecDestroy(void* executable) {
    if (int status = ready()) return status;
    GraphExec* found = handles().executables.remove(executable);
    delete found;
    return found ? int(Success) : int(InvalidValue);
}
CSUNET_API int cuGraphLaunch(void* executable, void* stream) {
    if (int status = ready()) return status;
    GraphExec* found = handles().executables.find(executable);
    Stream* s = find_stream(stream);
    if (!found) return InvalidValue;
    if (!s) return InvalidHandle;
    for (const Work& work : found->nodes)
        if (int status = submit(s, work)) return status;
    return Success;
}
CSUNET_API int cuGraphUpload(void* executable, void* stream) {
    if (int status = ready()) return status;
    return !handles().executables.find(executable) ? int(InvalidValue) : !find_stream(stream) ? int(InvalidHandle) : int(Success);
}

// The graphs must have the same nodes; parameters may differ, and so may the function of a launch as long as it is of the same kind.
// Results (CUgraphExecUpdateResult): 0 success, 2 topology changed, 3 node type changed.
static int update(GraphExec* executable, Graph* graph, void** node, int* result) {
    *node = nullptr;
    *result = 0;
    if (executable->nodes.size() != graph->nodes.size()) *result = 2;
    for (size_t i = 0; !*result && i < graph->nodes.size(); i++)
        if (executable->nodes[i].kind != graph->nodes[i]->kind) {
            *node = graph->nodes[i].get();
            *result = 3;
        }
    if (*result) return GraphUpdateFailure;
    for (size_t i = 0; i < graph->nodes.size(); i++) executable->nodes[i] = *graph->nodes[i];
    return Success;
}
struct UpdateInfo { int result; void *error_node, *error_from; };
CSUNET_API int cuGraphExecUpdate_v2(void* executable, void* graph, UpdateInfo* info) {
    if (int status = ready()) return status;
    GraphExec* e = handles().executables.find(executable);
    Graph* g = handles().graphs.find(graph);
    if (!e || !g || !info) return InvalidValue;
    info->error_from = nullptr;
    return update(e, g, &info->error_node, &info->result);
}
CSUNET_API int cuGraphExecUpdate(void* executable, void* graph, void** error_node, int* result) {
    if (int status = ready()) return status;
    GraphExec* e = handles().executables.find(executable);
    Graph* g = handles().graphs.find(graph);
    if (!e || !g) return InvalidValue;
    void* node;
    int outcome;
    int status = update(e, g, &node, &outcome);
    if (error_node) *error_node = node;
    if (result) *result = outcome;
    return status;
}
