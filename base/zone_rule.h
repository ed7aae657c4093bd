/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a zone, for its parser (zone_parse.c) and its users (zone.c). */
#ifndef BASE_ZONE_RULE_H
#define BASE_ZONE_RULE_H

#include "base/zone.h"

enum { ZONE_CHANGES_MAX = 4096 };

/* When a year's summer time begins or ends (POSIX.1 8.3, TZ). */
enum zone_edge_kind {
	ZONE_EDGE_JULIAN,  /* Jn: 1 to 365 */
	ZONE_EDGE_DAY,     /* n: 0 to 365 */
	ZONE_EDGE_WEEKDAY, /* Mm.w.d */
};

struct zone_edge {
	enum zone_edge_kind kind;
	uint16_t day;
	uint8_t month, week, weekday;
	int32_t time_s; /* RFC 8536 3.3.1: up to a week away */
};

struct zone_rule {
	int32_t standard_s, daylight_s;
	bool daylight; /* it has any */
	struct zone_edge begin, end;
};

struct zone_change {
	int64_t utc_s;
	int32_t offset_s; /* from then on */
};

struct zone {
	int32_t first_s; /* before all changes */
	bool ruled;      /* from the last change on */
	struct zone_rule rule;
	uint32_t count;
	struct zone_change changes[];
};

/* The text behind the changes of a file. 0 or -EBADMSG. */
int zone_rule_parse(struct zone_rule *out, struct bytes text) NODISCARD;
int32_t zone_rule_offset_s(const struct zone_rule *r, int64_t utc_s);

#endif
