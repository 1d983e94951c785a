// The part of CUDA C++ that kernels/*.cu use, for compilation by g++ without a CUDA toolkit.
// The compile step of emulator/nvrtc includes this file before every source; kernels/common.cuh includes it where NVRTC would
// see PTX. Operations that involve other threads call the machine (machine.h); the rest is plain C++ in these headers.
#pragma once
#include "language.h"
#include "machine.h"
#include "warp.h"
#include "atomics.h"
#include "memory.h"
#include "matrix.h"
#include "registration.h"
