// The pool of native threads that run blocks. Kernels never run on the caller's thread, because the .NET runtime may walk its stack.
#include "state.h"
#include "settings.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <numeric>
#include <pthread.h>
#include <thread>

namespace csunet {

struct Pool {
    std::mutex mutex;
    std::condition_variable start, finished;
    Launch* job = nullptr;
    uint64_t generation = 0;
    int active = 0, wanted = 0;
    std::vector<std::thread> threads;
};

static uint64_t block_at(const Launch& launch, uint64_t i) {
    if (launch.order == Order::Backward) i = launch.sampled - 1 - i;
    if (launch.order > Order::Backward) i = (i * launch.step + launch.seed) % launch.sampled;
    // The sampled blocks: the middles of equal parts of the grid.
    return launch.sampled == launch.blocks ? i : (2 * i + 1) * launch.blocks / (2 * launch.sampled);
}

static void run_blocks(Worker* worker, Launch* launch) {
    worker->launch = launch;
    worker->block.grid = launch->grid;
    worker->block.threads = launch->threads;
    bool prepared = false;
    for (;;) {
        uint64_t i = launch->next++;
        if (i >= launch->sampled || launch->failed) break;
        if (!prepared) {
            prepare_worker(worker);
            if (launch->hooked) prepare_hook(worker);
            prepared = true;
        }
        run_block(worker, block_at(*launch, i));
    }
    if (prepared && launch->hooked) finish_launch(worker);
}

static void worker_main(Pool* pool, int id) {
    sigset_t blocked;
    sigfillset(&blocked);
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGXCPU}) sigdelset(&blocked, signal);
    pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
    install_fault_handlers();
    auto* worker = new Worker;
    current_worker = worker;
    current_block = &worker->block;
    uint64_t seen = 0;
    for (;;) {
        {
            std::unique_lock lock(pool->mutex);
            pool->start.wait(lock, [&] { return pool->generation != seen; });
            seen = pool->generation;
            if (id >= pool->wanted) continue;
        }
        run_blocks(worker, pool->job);
        std::lock_guard lock(pool->mutex);
        if (--pool->active == 0) pool->finished.notify_all();
    }
}

int run_launch(Launch& launch) {
    static Pool* pool = new Pool;                       // never destroyed: its threads live as long as the process
    static std::mutex one_launch;
    std::lock_guard one(one_launch);
    launch.blocks = uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
    int sample = launch.hooked ? settings().sample.load() : 0;
    launch.checked = launch.hooked && !sample;
    launch.sampled = sample > 0 && uint64_t(sample) < launch.blocks ? uint64_t(sample) : launch.blocks;
    launch.step = 2654435761ull % launch.sampled | 1;
    while (std::gcd(launch.step, launch.sampled) != 1) launch.step++;
    int workers = settings().workers ? settings().workers.load() : int(std::thread::hardware_concurrency());
    if (uint64_t(workers) > launch.sampled) workers = int(launch.sampled);
    if (launch.hooked) begin_hooked_launch(launch);
    std::unique_lock lock(pool->mutex);
    while (int(pool->threads.size()) < workers) {
        int id = int(pool->threads.size());
        pool->threads.emplace_back(worker_main, pool, id);
    }
    pool->job = &launch;
    pool->wanted = pool->active = workers;
    pool->generation++;
    pool->start.notify_all();
    auto done = [&] { return pool->active == 0; };
    if (!pool->finished.wait_for(lock, std::chrono::milliseconds(settings().watchdog_ms), done)) {
        // A signal in the machine's own code has no effect, so repeat until one interrupts the kernel.
        launch.expired = true;
        do for (auto& thread : pool->threads) pthread_kill(thread.native_handle(), SIGXCPU);
        while (!pool->finished.wait_for(lock, std::chrono::milliseconds(5), done));
    }
    lock.unlock();
    if (launch.hooked) end_hooked_launch(launch);
    return launch.status;
}

}
