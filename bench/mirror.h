/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled program of mirror.bpf.c. */
#ifndef BENCH_MIRROR_H
#define BENCH_MIRROR_H

#include "base/bytes.h"

struct bytes mirror_object(void);

#endif
