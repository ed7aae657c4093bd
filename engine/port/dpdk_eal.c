/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts DPDK's environment (EAL), once per process and for good, with arguments made from our
 * settings, and sends its messages to our log. It also removes what a killed node's DPDK left
 * behind, such as a net_memif socket file.
 */

#include <errno.h>
#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_kvargs.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/privilege.h"
#include "engine/port/dpdk_port.h"

/* DPDK's messages go to our log: while a device is opened they tell why it fails, otherwise each is
 * a line of its own. */

enum { LINE_MAX_OCTETS = 256, LINES_SAVED = 8 };

/* Changed under the lock of the stream, which its writer holds. */
static struct {
	FILE *stream;
	void (*said)(const char *line); /* NULL: not wanted */
	char line[LINE_MAX_OCTETS];     /* not ended yet */
	size_t length;
	bool keeps;
	char kept[LINES_SAVED][LINE_MAX_OCTETS];
	uint32_t kept_count;
} g_log;

/* DPDK often repeats a message at several levels. */
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
	if (g_log.length > 0 && g_log.keeps && g_log.kept_count < LINES_SAVED) {
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

/* What a killed server of DPDK's net_memif leaves: its socket file, which prevents another bind. */

/* A socket without a listener. */
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

int PRINTF_LIKE(3, 4) dpdk_refuse(char why[DPDK_TEXT_MAX], int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why, DPDK_TEXT_MAX, fmt, args);
	va_end(args);
	return err;
}

/* "0000:03:00.0" or "03:00.0", perhaps with parameters after a comma. */
static bool is_pci(const char *device)
{
	size_t address = strcspn(device, ",");
	const char *dot = memchr(device, '.', address);

	return dot && dot > device && memchr(device, ':', (size_t)(dot - device)) != NULL;
}

enum { ARGV_MAX = DPDK_ARGS_MAX + 16, ARGV_TEXT = 8192, ARG_LENGTH = 128 };

/* EAL keeps and permutes what it was given. */
struct argv {
	char *list[ARGV_MAX + 1];
	int count;
	char text[ARGV_TEXT];
	size_t used;
};

static void argv_add(struct argv *a, const char *text)
{
	size_t size = strlen(text) + 1;

	assert(a->count < ARGV_MAX && size <= ARGV_TEXT - a->used);
	a->list[a->count++] = memcpy(a->text + a->used, text, size);
	a->used += size;
}

static bool names_cores(const struct port_dpdk_settings *s)
{
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strncmp(s->args[i], "-l", 2) == 0 || strncmp(s->args[i], "-c", 2) == 0 ||
		    strncmp(s->args[i], "--lcores", 8) == 0)
			return true;
	return false;
}

/* EAL pins its first thread to one core by default; the placement of workers is not its
 * business. */
static void argv_add_cores(struct argv *a)
{
	char text[16 + CPU_SETSIZE * 5] = "--lcores=0@(";
	size_t n = strlen(text);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int cpu = 0; cpu < RTE_MAX_LCORE && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,", cpu);
	text[n - 1] = ')';
	argv_add(a, text);
}

/* Memory of no file, so nothing is left of a killed process. */
static void argv_add_memory(struct argv *a, const struct port_dpdk_settings *s)
{
	char text[16];

	if (s->hugepages) {
		argv_add(a, "--in-memory");
		return;
	}
	(void)snprintf(text, sizeof(text), "%u", DPDK_POOL_MB + DPDK_POOL_MB_EACH * s->workers);
	argv_add(a, "--no-huge");
	argv_add(a, "--no-shconf");
	argv_add(a, "-m");
	argv_add(a, text);
}

/* libxdp's dispatcher is for programs of several owners, and its files in /sys/fs/bpf outlive
 * us. */
static void dispatcher_avoid(const char *device)
{
	static const char DRIVER[] = "net_af_xdp";

	if (strncmp(device, DRIVER, sizeof(DRIVER) - 1) == 0)
		(void)setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
}

int dpdk_eal_start(const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	static struct argv argv; /* EAL's from now on */
	static bool started;

	if (started)
		return 0;
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strlen(s->args[i]) >= ARG_LENGTH)
			return dpdk_refuse(why, -EINVAL, "argument %u is too long", i + 1);
	if (argv.count > 0)
		return dpdk_refuse(why, -EIO, "DPDK was started in vain before: restart the node");
	dispatcher_avoid(s->device);
	argv_add(&argv, "tandem");
	argv_add(&argv, "--no-telemetry");
	argv_add(&argv, "--log-level=warning");
	argv_add_memory(&argv, s);
	if (!names_cores(s))
		argv_add_cores(&argv);
	argv_add(&argv, is_pci(s->device) ? "-a" : "--no-pci");
	if (is_pci(s->device))
		argv_add(&argv, s->device);
	for (uint32_t i = 0; i < s->arg_count; i++)
		argv_add(&argv, s->args[i]);
	if (rte_eal_init(argv.count, argv.list) < 0)
		return dpdk_refuse(why, -EIO, "DPDK does not start (%s)%s%s",
				   rte_strerror(rte_errno),
				   s->hugepages ? ": are there hugepages (vm.nr_hugepages)? "
						  "media.dpdk.hugepages: false does without"
						: "",
				   s->arg_count > 0 ? ": is media.dpdk.args right?" : "");
	started = true;
	return 0;
}

/* ---- privileges ---- */

/* Alarms are for the thread that waits for interrupts. */
static void interrupts_drop(void *done)
{
	privilege_drop();
	(void)sem_post(done);
}

static int lcore_drop(void *arg)
{
	(void)arg;
	privilege_drop();
	return 0;
}

void dpdk_eal_drop(void)
{
	unsigned lcore;
	sem_t done;

	RTE_LCORE_FOREACH_WORKER (lcore)
		if (rte_eal_remote_launch(lcore_drop, NULL, lcore) == 0)
			(void)rte_eal_wait_lcore(lcore);
	(void)sem_init(&done, 0, 0);
	if (rte_eal_alarm_set(1, interrupts_drop, &done) == 0)
		while (sem_wait(&done) != 0)
			continue;
	(void)sem_destroy(&done);
}
