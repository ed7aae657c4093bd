/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/embedded/conf.h"

#include <errno.h>

static const char g_fixed[] =
	"# Written by tandem at each start.\n"
	"port 0\n"
	"unixsocketperm 700\n"
	"daemonize no\n"
	"supervised no\n"
	"logfile \"\"\n"
	"always-show-logo no\n"
	"databases 1\n"
	/* what was acknowledged survives a crash of the node and of Redis; of a power failure, what fsync says */
	"appendonly yes\n"
	"aof-load-truncated yes\n"
	"save \"\"\n"
	/* calls are no cache: rather refuse than forget */
	"maxmemory-policy noeviction\n"
	/* nobody may load code into it or write its files elsewhere, whatever reaches the socket */
	"protected-mode yes\n"
	"enable-protected-configs no\n"
	"enable-debug-command no\n"
	"enable-module-command no\n";

/* As redis.conf wants a text with blanks: in quotes, with both of them escaped. */
static int quoted_write(struct writer *w, const char *key, const char *value, const char *suffix)
{
	writer_str(w, key);
	writer_str(w, " \"");
	for (const char *p = value; *p; p++) {
		if ((uint8_t)*p < ' ')
			return -EINVAL;
		if (*p == '"' || *p == '\\')
			writer_str(w, "\\");
		writer_u8(w, (uint8_t)*p);
	}
	writer_str(w, suffix);
	writer_str(w, "\"\n");
	return 0;
}

int embedded_conf_write(struct writer *w, const char *dir, const char *socket_path,
			const char *fsync)
{
	int err = 0;

	writer_str(w, g_fixed);
	writer_fmt(w, "appendfsync %s\n", fsync);
	err = quoted_write(w, "dir", dir, "");
	if (!err)
		err = quoted_write(w, "pidfile", dir, "/redis.pid");
	return err ? err : quoted_write(w, "unixsocket", socket_path, "");
}
