/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed server of DPDK's net_memif leaves: the file of its socket, to which nobody can bind while it is there. */
#include <errno.h>
#include <rte_kvargs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/port/dpdk_port.h"

/* A socket that nobody listens at. */
static bool is_left(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	bool refused;
	int fd;

	if (strlen(path) >= sizeof(at.sun_path) || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	refused =
		connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

static bool memif_says(const struct rte_kvargs *args, const char *key, const char *value)
{
	const char *found = rte_kvargs_get(args, key);

	return found && strcmp(found, value) == 0;
}

void dpdk_memif_clear(const char *device)
{
	static const char DRIVER[] = "net_memif";
	const char *comma = strchr(device, ',');
	struct rte_kvargs *args;
	const char *path;

	if (strncmp(device, DRIVER, sizeof(DRIVER) - 1) != 0 || !comma)
		return;
	args = rte_kvargs_parse(comma + 1, NULL);
	if (!args)
		return;
	path = rte_kvargs_get(args, "socket");
	if (path && memif_says(args, "role", "server") &&
	    memif_says(args, "socket-abstract", "no") && is_left(path))
		(void)unlink(path);
	rte_kvargs_free(args);
}
