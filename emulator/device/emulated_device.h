// What a kernel sees when g++ compiles it for the emulator: the part of CUDA C++ that kernels/*.cu use, without a CUDA toolkit.
// The compile step of emulator/nvrtc includes this file in front of every source; kernels/common.cuh includes it where NVRTC would
// see PTX. Everything that needs other threads is a call into the machine (machine.h); the rest is plain C++ in these headers.
#pragma once
#include "language.h"
#include "machine.h"
#include "warp.h"
#include "atomics.h"
#include "memory.h"
#include "matrix.h"
#include "registration.h"
