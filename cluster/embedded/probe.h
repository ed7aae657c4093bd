/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a Redis on a unix socket who it is. Blocking, at start only. */
#ifndef CLUSTER_EMBEDDED_PROBE_H
#define CLUSTER_EMBEDDED_PROBE_H

#include "base/bytes.h"

/* 0 when it answers and has loaded its data: *pid is its process. -ECONNREFUSED, -ENOENT: nobody listens. -EAGAIN: it loads
 * still or does not answer within 200 ms. Or -errno. */
int embedded_probe(const char *socket_path, int32_t *pid) NODISCARD;

#endif
