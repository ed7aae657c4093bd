/* SPDX-License-Identifier: Apache-2.0 */
/* What DPDK says belongs into our log: while a device is opened it is the reason why that fails, and else a line of its own. */
#include <rte_log.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "engine/port/dpdk_port.h"

enum { LINE_MAX_OCTETS = 256, KEPT_LINES = 8 };

/* Changed under the lock of the stream, which whoever writes to it has. */
static struct {
	FILE *stream;
	void (*said)(const char *line); /* NULL: nobody wants it */
	char line[LINE_MAX_OCTETS];     /* not ended yet */
	size_t length;
	bool keeps;
	char kept[KEPT_LINES][LINE_MAX_OCTETS];
	uint32_t kept_count;
} g_log;

/* The same is often said at several levels of it. */
static bool is_kept(const char *line)
{
	for (uint32_t i = 0; i < g_log.kept_count; i++)
		if (strcmp(g_log.kept[i], line) == 0)
			return true;
	return false;
}

static void dpdk_line_end(void)
{
	g_log.line[g_log.length] = '\0';
	if (g_log.length > 0 && g_log.keeps && g_log.kept_count < KEPT_LINES) {
		if (!is_kept(g_log.line))
			memcpy(g_log.kept[g_log.kept_count++], g_log.line, g_log.length + 1);
	} else if (g_log.length > 0 && !g_log.keeps && g_log.said) {
		g_log.said(g_log.line);
	}
	g_log.length = 0;
}

static ssize_t log_write(void *cookie, const char *p, size_t n)
{
	(void)cookie;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			dpdk_line_end();
		else if (g_log.length < LINE_MAX_OCTETS - 1)
			g_log.line[g_log.length++] = p[i];
	}
	return (ssize_t)n;
}

void dpdk_log_keep(void (*said)(const char *line))
{
	static const cookie_io_functions_t WRITES = { .write = log_write };

	if (!g_log.stream)
		g_log.stream = fopencookie(NULL, "w", WRITES);
	if (!g_log.stream || rte_openlog_stream(g_log.stream) != 0)
		return; /* then it goes to standard error */
	flockfile(g_log.stream);
	g_log.said = said;
	g_log.keeps = true;
	g_log.kept_count = 0;
	funlockfile(g_log.stream);
}

static void kept_append(char why[DPDK_TEXT_MAX])
{
	size_t n = strlen(why);

	for (uint32_t i = 0; i < g_log.kept_count && n < DPDK_TEXT_MAX; i++)
		n += (size_t)snprintf(why + n, DPDK_TEXT_MAX - n, "; %s%s",
				      i == 0 ? "DPDK says: " : "", g_log.kept[i]);
}

void dpdk_log_pass(char why[DPDK_TEXT_MAX])
{
	if (!g_log.stream)
		return;
	flockfile(g_log.stream);
	if (why)
		kept_append(why);
	for (uint32_t i = 0; !why && g_log.said && i < g_log.kept_count; i++)
		g_log.said(g_log.kept[i]);
	g_log.keeps = false;
	g_log.kept_count = 0;
	funlockfile(g_log.stream);
}
