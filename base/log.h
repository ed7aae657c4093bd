/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event, key=value or JSON, to one descriptor: ts, level, unit, call, msg, then the
 * caller's pairs. Any thread; a line is one write(2). Never on the packet path. Never a secret.
 * Values with blanks, quotes or control octets (any value from the network may have them) are
 * quoted and escaped, so that no peer can forge a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Their names, NULL-terminated. */
extern const char *const g_log_levels[];

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
};

/* A pair's value; made by the LOG_ macros below. */
enum log_type { LOG_TYPE_BYTES, LOG_TYPE_STR, LOG_TYPE_I64, LOG_TYPE_U64, LOG_TYPE_ADDR };
struct addr;
struct log_pair {
	const char *key;
	enum log_type type;
	union {
		struct bytes bytes;
		const char *str;
		int64_t i64;
		uint64_t u64;
		const struct addr *addr;
	} v;
};
#define LOG_BYTES(k, b) ((struct log_pair){ .key = (k), .type = LOG_TYPE_BYTES, .v.bytes = (b) })
#define LOG_STR(k, s)   ((struct log_pair){ .key = (k), .type = LOG_TYPE_STR, .v.str = (s) })
#define LOG_INT(k, i)   ((struct log_pair){ .key = (k), .type = LOG_TYPE_I64, .v.i64 = (i) })
#define LOG_U64(k, u)   ((struct log_pair){ .key = (k), .type = LOG_TYPE_U64, .v.u64 = (u) })
#define LOG_ADDR(k, a)  ((struct log_pair){ .key = (k), .type = LOG_TYPE_ADDR, .v.addr = (a) })

void log_setup(int fd, enum log_level level, enum log_format format);
void log_level_set(enum log_level level);
enum log_level log_level_get(void);
const char *log_level_name(enum log_level level);
bool log_wants(enum log_level level);
/* unit: "sip", "redis"…; call: 64-bit call id or 0; msg: a constant sentence. */
void log_write(enum log_level level, const char *unit, uint64_t call, const char *msg,
	       const struct log_pair *pairs, size_t n);

#define LOG_AT(level, unit, call, msg, ...)                                            \
	do {                                                                           \
		if (log_wants(level)) {                                                \
			const struct log_pair log_pairs_[] = { { 0 }, ##__VA_ARGS__ }; \
			log_write(level, unit, call, msg, log_pairs_ + 1,              \
				  COUNT_OF(log_pairs_) - 1);                           \
		}                                                                      \
	} while (0)
#define LOG_ERROR(unit, call, msg, ...) LOG_AT(LOG_LEVEL_ERROR, unit, call, msg, ##__VA_ARGS__)
#define LOG_WARN(unit, call, msg, ...)  LOG_AT(LOG_LEVEL_WARN, unit, call, msg, ##__VA_ARGS__)
#define LOG_INFO(unit, call, msg, ...)  LOG_AT(LOG_LEVEL_INFO, unit, call, msg, ##__VA_ARGS__)
#define LOG_DEBUG(unit, call, msg, ...) LOG_AT(LOG_LEVEL_DEBUG, unit, call, msg, ##__VA_ARGS__)

/* Limits floods: at most so many lines per second of the same unit and message. A warning or error
 * without a call repeats itself: its first lines tell what is wrong and what to do, later ones only
 * that it goes on. Any thread. */

enum { LOG_FLOOD_PER_S = 100, LOG_FLOOD_TROUBLE = 20, LOG_FLOOD_TROUBLE_S = 10 };

/* trouble: a warning or error without a call. True: write the line; *suppressed lines of its kind
 * were held back before. */
bool log_flood_pass(const char *unit, const char *msg, bool trouble, uint64_t now_ns,
		    uint32_t *suppressed);

#endif
