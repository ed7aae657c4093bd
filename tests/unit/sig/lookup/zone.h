/* SPDX-License-Identifier: Apache-2.0 */
/* A name server of a few lines: "name TYPE data", and what a message of it looks like. */
#ifndef TESTS_UNIT_SIG_LOOKUP_ZONE_H
#define TESTS_UNIT_SIG_LOOKUP_ZONE_H

#include "base/clock.h"
#include "sig/lookup/dns.h"
#include "tests/unit/test.h"

struct zone_record {
	const char *name;
	enum dns_type type;
	uint16_t priority, weight, port;
	const char *data; /* address, or name; NAPTR: name */
	uint8_t service;
};

static inline struct dns_question zone_question(const char *name, enum dns_type type)
{
	struct dns_question q = { .type = type };

	assert_int_equal(dns_name_from(&q.name, bytes_str(name)), 0);
	return q;
}

static inline void zone_fill(const struct zone_record *z, struct dns_record *out)
{
	struct addr a;

	*out = (struct dns_record){
		.priority = z->priority, .weight = z->weight, .port = z->port, .service = z->service
	};
	if (z->type == DNS_A || z->type == DNS_AAAA) {
		assert_int_equal(addr_parse(&a, bytes_str(z->data)), 0);
		memcpy(out->ip, a.ip, sizeof(out->ip));
	} else if (strcmp(z->data, ".") != 0) {
		assert_int_equal(dns_name_from(&out->name, bytes_str(z->data)), 0);
	}
}

/* What that server says of the question. */
static inline void zone_answer(const struct zone_record *zone, const struct dns_question *q,
			       struct dns_answer *out)
{
	memset(out, 0, sizeof(*out));
	out->result = DNS_NOTHING;
	for (; zone->name; zone++) {
		if (strcmp(zone->name, q->name.text) != 0)
			continue;
		if (zone->type == DNS_CNAME) {
			out->result = DNS_ALIAS;
			assert_int_equal(dns_name_from(&out->alias, bytes_str(zone->data)), 0);
			out->ttl_s = 60;
			return;
		}
		if (zone->type != q->type || out->count == DNS_RECORDS_MAX)
			continue;
		zone_fill(zone, &out->records[out->count++]);
		out->result = DNS_FOUND;
		out->ttl_s = 60;
	}
}

#endif
