/* SPDX-License-Identifier: Apache-2.0 */
/* The redis.conf of the node's own server. */
#ifndef CLUSTER_EMBEDDED_CONF_H
#define CLUSTER_EMBEDDED_CONF_H

#include "base/bytes.h"

/* dir: where its files lie; fsync: always, everysec or no. w overflows when it does not fit. 0, or -EINVAL: a path has control bytes. */
int embedded_conf_write(struct writer *w, const char *dir, const char *socket_path,
			const char *fsync) NODISCARD;

#endif
