/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where copies go: pcapng files of traces in the state directory, and HEP datagrams to a collector.
 * watch.c uses both on its thread, and lists and reads files for commands. Names are generated and
 * checked, so a command cannot reach another file; files are 0600, as media and signalling are
 * private.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/watch/watch_sink.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "sig/sip/id.h"

#define SUFFIX ".pcapng"

enum { DIGITS_MAX = 15 };

int trace_store_open(struct trace_store *s, const char *state_dir)
{
	int n = snprintf(s->folder, sizeof(s->folder), "%s/trace", state_dir);

	if (n < 0 || (size_t)n >= sizeof(s->folder))
		return -ENAMETOOLONG;
	return mkdir(s->folder, 0700) && errno != EEXIST ? -errno : 0;
}

void trace_name_write(char out[TRACE_NAME_MAX], uint64_t call, uint64_t utc_ms)
{
	char id[BASE32_U64_LEN];

	base32_u64_put(id, call);
	(void)snprintf(out, TRACE_NAME_MAX, "%.*s-%" PRIu64 SUFFIX, (int)sizeof(id), id, utc_ms);
}

int trace_name_read(struct bytes name, uint64_t *call, uint64_t *utc_ms)
{
	char again[TRACE_NAME_MAX];
	struct bytes rest = bytes_from(name, BASE32_U64_LEN), digits;

	if (base32_u64_get(bytes_sub(name, 0, BASE32_U64_LEN), call) || !rest.n || rest.p[0] != '-')
		return -EINVAL;
	digits = bytes_sub(rest, 1, bytes_find(rest, '.') - 1);
	if (digits.n > DIGITS_MAX || bytes_u64(digits, utc_ms))
		return -EINVAL;
	trace_name_write(again, *call, *utc_ms);
	return bytes_is(name, again) ? 0 : -EINVAL; /* canonical form only */
}

static int path_of(const struct trace_store *s, struct bytes name,
		   char out[TRACE_PATH_MAX + TRACE_NAME_MAX])
{
	uint64_t call, utc_ms;

	if (trace_name_read(name, &call, &utc_ms))
		return -EINVAL;
	(void)snprintf(out, TRACE_PATH_MAX + TRACE_NAME_MAX, "%s/" BYTES_FMT, s->folder,
		       BYTES_ARG(name));
	return 0;
}

int trace_store_create(const struct trace_store *s, const char *name)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	int fd;

	if (path_of(s, bytes_str(name), path))
		return -EINVAL;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static bool trace_entry_read(int folder, const char *name, struct trace_entry *out)
{
	struct stat st;

	if (trace_name_read(bytes_str(name), &out->call, &out->started_utc_ms) ||
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	if (id_call_is_none(out->call))
		out->call = 0;
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	out->octets = (uint64_t)st.st_size;
	out->changed_utc_ms =
		(uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / NS_PER_MS;
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct trace_entry *x = a, *y = b;

	return (x->started_utc_ms > y->started_utc_ms) - (x->started_utc_ms < y->started_utc_ms);
}

uint32_t trace_store_list(const struct trace_store *s, struct trace_entry *out, uint32_t max)
{
	DIR *dir = opendir(s->folder);
	struct dirent *file;
	uint32_t n = 0;

	while (dir && n < max && (file = readdir(dir)) != NULL)
		n += trace_entry_read(dirfd(dir), file->d_name, &out[n]);
	if (dir)
		(void)closedir(dir);
	qsort(out, n, sizeof(*out), by_age);
	return n;
}

int trace_store_read(const struct trace_store *s, struct bytes name, uint64_t offset, uint8_t *out,
		     size_t *n, uint64_t *size)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	struct stat st;
	ssize_t got;
	int fd, err = path_of(s, name, path);

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	got = fstat(fd, &st) || offset > INT64_MAX ? -1 : pread(fd, out, *n, (off_t)offset);
	err = got < 0 ? -errno : 0;
	(void)close(fd);
	if (err)
		return err;
	*n = (size_t)got;
	*size = (uint64_t)st.st_size;
	return 0;
}

int trace_store_delete(const struct trace_store *s, struct bytes name)
{
	char path[TRACE_PATH_MAX + TRACE_NAME_MAX];
	int err = path_of(s, name, path);

	if (err)
		return err;
	return unlink(path) ? -errno : 0;
}

enum { HEP_SPACE = HEP_PAYLOAD_MAX + HEP_ROOM };

static struct {
	metric_id sent, lost[HEP_LOSSES];
} g_hep_metrics;

void hep_export_setup(void)
{
	static const char *const labels[HEP_LOSSES] = {
		[HEP_LOSS_QUEUE] = "reason=\"queue_full\"",
		[HEP_LOSS_LONG] = "reason=\"too_long\"",
		[HEP_LOSS_SEND] = "reason=\"not_sent\"",
	};

	g_hep_metrics.sent = metric_register(METRIC_COUNTER, "tandem_hep_sent_total", NULL,
					     "Copies sent to the collector.");
	for (size_t i = 0; i < HEP_LOSSES; i++) {
		g_hep_metrics.lost[i] =
			metric_register(METRIC_COUNTER, "tandem_hep_lost_total", labels[i],
					"Copies that did not go to the collector.");
	}
}

void hep_export_lost(enum hep_loss why)
{
	metric_add(g_hep_metrics.lost[why], 1);
}

static int hep_way_find(struct hep_export *x)
{
	struct sockaddr_storage sa;
	uint32_t length = addr_to_sockaddr(&x->settings.collector, &sa);

	if (connect(x->fd, (const struct sockaddr *)&sa, length))
		return -errno;
	x->connected = true;
	LOG_INFO("hep", 0, "export begins", LOG_ADDR("collector", &x->settings.collector));
	return 0;
}

static int export_open(struct hep_export *x)
{
	int family = x->settings.collector.family == ADDR_V6 ? AF_INET6 : AF_INET;
	int err;

	x->space = malloc(HEP_SPACE);
	if (!x->space)
		return -ENOMEM;
	x->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (x->fd >= 0)
		return 0;
	err = -errno;
	free(x->space);
	x->space = NULL;
	return err;
}

void hep_export_configure(struct hep_export *x, const struct hep_settings *settings)
{
	int err;

	hep_export_close(x);
	x->settings = *settings;
	if (settings->collector.family == ADDR_NONE)
		return;
	err = export_open(x);
	if (!err)
		err = hep_way_find(x);
	if (err)
		LOG_ERROR("hep", 0, "there is no way to hep.collector",
			  LOG_ADDR("collector", &settings->collector),
			  LOG_STR("error", strerror(-err)));
}

void hep_export_send(struct hep_export *x, struct hep_packet *p)
{
	struct writer w = writer_over(x->space, HEP_SPACE);
	ssize_t n;

	if (!x->connected && hep_way_find(x)) {
		hep_export_lost(HEP_LOSS_SEND);
		return;
	}
	p->capture_id = x->settings.capture_id;
	p->password = bytes_str(x->settings.password);
	if (hep_write(&w, p)) {
		hep_export_lost(HEP_LOSS_LONG);
		return;
	}
	/* a pending error of the former datagram is reported here: this one was not sent then */
	n = send(x->fd, w.p, w.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		hep_export_lost(errno == EMSGSIZE ? HEP_LOSS_LONG : HEP_LOSS_SEND);
	else
		metric_add(g_hep_metrics.sent, 1);
}

void hep_export_close(struct hep_export *x)
{
	if (x->fd >= 0)
		(void)close(x->fd);
	free(x->space);
	explicit_bzero(x, sizeof(*x));
	x->fd = -1;
}

enum {
	TRACE_SPACE = 2 * (PCAPNG_PAYLOAD_MAX + PCAPNG_BLOCK_ROOM),
	LAST_ROOM = 128, /* of the block of counts */
};

static const char *trace_end_name(enum trace_end why)
{
	switch (why) {
	case TRACE_RUNS:
		return "runs";
	case TRACE_STOPPED:
		return "stopped";
	case TRACE_CALL_ENDED:
		return "call ended";
	case TRACE_TIME:
		return "seconds are over";
	case TRACE_OCTETS:
		return "octets are full";
	case TRACE_FAILED:
		return "cannot be written";
	}
	return "";
}

int trace_file_open(struct trace *t)
{
	uint8_t *p = malloc(TRACE_SPACE);

	if (p)
		t->space = writer_over(p, TRACE_SPACE);
	return p ? 0 : -ENOMEM;
}

static int trace_write(struct trace *t)
{
	struct bytes rest = writer_done(&t->space);

	while (rest.n) {
		ssize_t n = write(t->fd, rest.p, rest.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest = bytes_from(rest, (size_t)n);
	}
	return 0;
}

/* 0 or -errno: the file is then as it was before. */
static int trace_drain(struct trace *t)
{
	int err = trace_write(t);

	if (err) {
		(void)!ftruncate(t->fd, (off_t)t->written);
		LOG_WARN("trace", trace_call(t), "a trace cannot be written",
			 LOG_STR("file", t->name), LOG_STR("error", strerror(-err)));
	} else {
		t->written += t->space.n;
		atomic_store_explicit(&t->octets, t->written, memory_order_relaxed);
	}
	t->space.n = 0;
	return err;
}

void trace_file_start(struct trace *t)
{
	char comment[128], id[BASE32_U64_LEN];

	base32_u64_put(id, trace_call(t));
	if (t->user[0])
		(void)snprintf(comment, sizeof(comment), "next call %s %s%s",
			       t->side == TRACE_FROM ? "from" : "to", t->user,
			       t->decrypted ? ", decrypted" : "");
	else
		(void)snprintf(comment, sizeof(comment), "call %.*s%s", (int)sizeof(id), id,
			       t->decrypted ? ", decrypted" : "");
	t->begun = true;
	t->written = 0;
	pcapng_header_write(&t->space, "tandem " TANDEM_VERSION, comment);
}

bool trace_file_add(struct trace *t, const struct pcapng_packet *p)
{
	size_t room = p->payload.n + PCAPNG_BLOCK_ROOM;

	if (t->written + t->space.n + room + LAST_ROOM > t->octets_max) {
		trace_file_end(t, TRACE_OCTETS, p->utc_ns);
		return false;
	}
	if (t->space.n + room > t->space.cap && trace_drain(t)) {
		trace_file_end(t, TRACE_FAILED, p->utc_ns);
		return false;
	}
	pcapng_packet(&t->space, p);
	assert(!t->space.overflow);
	atomic_fetch_add_explicit(&t->packets, 1, memory_order_relaxed);
	if (p->lost)
		atomic_fetch_add_explicit(&t->lost, p->lost, memory_order_relaxed);
	return true;
}

void trace_file_flush(struct trace *t, uint64_t now_ns, uint64_t utc_ns)
{
	if (t->space.n && trace_drain(t))
		trace_file_end(t, TRACE_FAILED, utc_ns);
	else if (now_ns >= atomic_load_explicit(&t->end_ns, memory_order_relaxed))
		trace_file_end(t, TRACE_TIME, utc_ns);
}

void trace_file_end(struct trace *t, enum trace_end why, uint64_t utc_ns)
{
	struct pcapng_counts counts = { .utc_ns = utc_ns,
					.received = atomic_load(&t->packets),
					.lost = atomic_load(&t->lost) };

	if (why != TRACE_FAILED) {
		if (t->space.n + PCAPNG_BLOCK_ROOM > t->space.cap && trace_drain(t))
			why = TRACE_FAILED;
		pcapng_counts(&t->space, &counts);
		if (trace_drain(t))
			why = TRACE_FAILED;
	}
	(void)close(t->fd);
	free(t->space.p);
	t->space = (struct writer){ 0 };
	t->begun = false;
	LOG_INFO("trace", trace_call(t), "trace ended", LOG_STR("file", t->name),
		 LOG_STR("why", trace_end_name(why)), LOG_U64("packets", counts.received),
		 LOG_U64("lost", counts.lost), LOG_U64("octets", t->written));
	/* release: control reads all of it again */
	atomic_store_explicit(&t->state, TRACE_ENDED, memory_order_release);
}
