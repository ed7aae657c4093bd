/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats log lines and writes each with one write(2), so that lines of several threads do not mix.
 * Values from the network are escaped to printable ASCII, so that no peer can forge a line or
 * control a terminal. A lock-free table of message kinds limits floods: lines beyond the limit are
 * counted, and the next line of that kind reports them. Not for the packet path.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"

enum { KINDS = 1024, PROBES = 16 };

/* One kind of line. Relaxed throughout: a count more or less at the turn of a second is no harm. */
struct kind {
	_Atomic uint64_t key;    /* 0: free */
	_Atomic uint64_t window; /* its number in the upper half, lines in it in the lower */
	_Atomic uint32_t held_back;
};

static struct kind g_kinds[KINDS];

/* FNV-1a: the texts are our constants, so collisions cannot be provoked. */
static uint64_t fnv(uint64_t hash, const char *str)
{
	for (; *str; str++)
		hash = (hash ^ (uint8_t)*str) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x100000001b3);
}

/* Messages are constants, so the table does not fill; if it does, the rest goes unlimited. */
static struct kind *flood_kind(uint64_t key)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		struct kind *kind = &g_kinds[(key + i) % KINDS];
		uint64_t found = 0;

		if (atomic_load_explicit(&kind->key, memory_order_relaxed) == key)
			return kind;
		if (atomic_compare_exchange_strong_explicit(
			    &kind->key, &found, key, memory_order_relaxed, memory_order_relaxed) ||
		    found == key)
			return kind;
	}
	return NULL;
}

static bool window_pass(struct kind *kind, uint32_t second, uint32_t most)
{
	uint64_t old = atomic_load_explicit(&kind->window, memory_order_relaxed);
	uint64_t new;

	do {
		new = (uint32_t)(old >> 32) == second ? old + 1 : ((uint64_t)second << 32 | 1);
		if ((uint32_t) new > most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&kind->window, &old, new, memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool log_flood_pass(const char *unit, const char *msg, bool trouble, uint64_t now_ns,
		    uint32_t *suppressed)
{
	uint64_t window_ns = trouble ? LOG_FLOOD_TROUBLE_S * NS_PER_S : NS_PER_S;
	struct kind *kind = flood_kind(fnv(fnv(UINT64_C(0xcbf29ce484222325), unit), msg) | 1);

	*suppressed = 0;
	if (!kind)
		return true;
	if (!window_pass(kind, (uint32_t)(now_ns / window_ns),
			 trouble ? LOG_FLOOD_TROUBLE : LOG_FLOOD_PER_S)) {
		atomic_fetch_add_explicit(&kind->held_back, 1, memory_order_relaxed);
		return false;
	}
	*suppressed = atomic_exchange_explicit(&kind->held_back, 0, memory_order_relaxed);
	return true;
}

enum {
	LINE_MAX_BYTES = 4096,
	VALUE_MAX = 512, /* bytes of one value; the rest is cut and marked */
	TAIL_ROOM = 32,  /* for the mark of a cut line and its end */
};

/* Relaxed throughout: each value stands alone, and start sets them before there are threads. */
static _Atomic int g_fd = STDERR_FILENO;
static _Atomic int g_level = LOG_LEVEL_INFO;
static _Atomic int g_format = LOG_FORMAT_TEXT;
static _Atomic uint64_t g_lost; /* lines the descriptor did not take, not yet reported */

const char *const g_log_levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

void log_setup(int fd, enum log_level level, enum log_format format)
{
	atomic_store_explicit(&g_fd, fd, memory_order_relaxed);
	atomic_store_explicit(&g_format, (int)format, memory_order_relaxed);
	log_level_set(level);
}

void log_level_set(enum log_level level)
{
	atomic_store_explicit(&g_level, (int)level, memory_order_relaxed);
}

enum log_level log_level_get(void)
{
	return (enum log_level)atomic_load_explicit(&g_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	assert((size_t)level < COUNT_OF(g_log_levels) - 1);
	return g_log_levels[level];
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&g_level, memory_order_relaxed);
}

/* One line in the making. */
struct line {
	struct writer w;
	bool json;
	bool cut; /* a pair did not fit */
};

static bool log_is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static bool needs_quotes(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (!log_is_plain(v.p[i]))
			return true;
	}
	return v.n == 0;
}

/* A line must not be forged nor a terminal driven: only printable ASCII gets out as it is. */
static void escaped_write(struct line *line, struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '"' || c == '\\')
			writer_u8(&line->w, '\\');
		if (c >= ' ' && c < 0x7f) {
			writer_u8(&line->w, c);
		} else if (c == '\n' || c == '\r' || c == '\t') {
			writer_str(&line->w, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		} else {
			writer_fmt(&line->w, line->json ? "\\u%04x" : "\\x%02x", c);
		}
	}
}

static void text_write(struct line *line, struct bytes v)
{
	bool long_value = v.n > VALUE_MAX;
	bool quotes = line->json || long_value || needs_quotes(v);

	if (quotes)
		writer_u8(&line->w, '"');
	escaped_write(line, bytes_sub(v, 0, VALUE_MAX));
	if (long_value)
		writer_str(&line->w, "...");
	if (quotes)
		writer_u8(&line->w, '"');
}

static void log_value_write(struct line *line, const struct log_pair *pair)
{
	char buf[ADDR_TEXT_MAX];

	switch (pair->type) {
	case LOG_TYPE_BYTES:
		text_write(line, pair->v.bytes);
		break;
	case LOG_TYPE_STR:
		text_write(line, bytes_str(pair->v.str));
		break;
	case LOG_TYPE_I64:
		writer_fmt(&line->w, "%" PRId64, pair->v.i64);
		break;
	case LOG_TYPE_U64:
		writer_fmt(&line->w, "%" PRIu64, pair->v.u64);
		break;
	case LOG_TYPE_ADDR:
		text_write(line, bytes_str(pair->v.addr ? addr_text(pair->v.addr, buf) : ""));
		break;
	}
}

/* A pair gets in whole or not at all, so that the line stays well-formed. */
static void pair_write(struct line *line, const struct log_pair *pair)
{
	size_t before = line->w.n;

	if (line->json) {
		writer_str(&line->w, before ? "," : "{");
		text_write(line, bytes_str(pair->key));
		writer_u8(&line->w, ':');
	} else {
		writer_str(&line->w, before ? " " : "");
		writer_str(&line->w, pair->key);
		writer_u8(&line->w, '=');
	}
	log_value_write(line, pair);
	if (line->w.overflow) {
		line->w.n = before;
		line->w.overflow = false;
		line->cut = true;
	}
}

static void time_write(struct line *line)
{
	uint64_t ms = clock_utc_ms();
	time_t s = (time_t)(ms / 1000);
	char buf[40] = "";
	struct writer w = writer_over(buf, sizeof(buf));
	struct tm tm;

	if (gmtime_r(&s, &tm)) {
		writer_fmt(&w, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
			   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			   (unsigned)(ms % 1000));
	}
	pair_write(line, &LOG_BYTES("ts", writer_done(&w)));
}

static void log_head_write(struct line *line, enum log_level level, const char *unit, uint64_t call)
{
	char id[BASE32_U64_LEN];

	time_write(line);
	pair_write(line, &LOG_STR("level", log_level_name(level)));
	pair_write(line, &LOG_STR("unit", unit));
	if (call) {
		base32_u64_put(id, call);
		pair_write(line, &LOG_BYTES("call", bytes_mem(id, sizeof(id))));
	}
}

static void log_line_end(struct line *line)
{
	line->w.cap += TAIL_ROOM;
	if (line->cut)
		pair_write(line, &LOG_INT("cut", 1));
	writer_str(&line->w, line->json ? "}\n" : "\n");
}

/* One write(2), so that lines of several threads do not mix. */
static bool line_out(const struct line *line)
{
	int fd = atomic_load_explicit(&g_fd, memory_order_relaxed);
	ssize_t n;

	do {
		n = write(fd, line->w.p, line->w.n);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->w.n;
}

void log_write(enum log_level level, const char *unit, uint64_t call, const char *msg,
	       const struct log_pair *pairs, size_t n)
{
	uint8_t buf[LINE_MAX_BYTES];
	uint32_t suppressed = 0;
	uint64_t lost;
	struct line line = {
		.w = writer_over(buf, sizeof(buf) - TAIL_ROOM),
		.json = atomic_load_explicit(&g_format, memory_order_relaxed) == LOG_FORMAT_JSON,
	};

	if (!log_flood_pass(unit, msg, level <= LOG_LEVEL_WARN && !call, clock_now_ns(),
			    &suppressed))
		return;
	lost = atomic_exchange_explicit(&g_lost, 0, memory_order_relaxed);
	log_head_write(&line, level, unit, call);
	pair_write(&line, &LOG_STR("msg", msg));
	if (suppressed)
		pair_write(&line, &LOG_U64("suppressed", suppressed));
	if (lost)
		pair_write(&line, &LOG_U64("lost", lost));
	for (size_t i = 0; i < n; i++)
		pair_write(&line, &pairs[i]);
	log_line_end(&line);
	if (!line_out(&line)) /* and the numbers that it reported */
		atomic_fetch_add_explicit(&g_lost, lost + 1, memory_order_relaxed);
}
