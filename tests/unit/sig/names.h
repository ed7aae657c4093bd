/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a name that calls look up, and what they are told of it later. */
#ifndef TESTS_UNIT_SIG_NAMES_H
#define TESTS_UNIT_SIG_NAMES_H

#include "tests/unit/test.h"

#include "sig/host/settings.h"
#include "tests/unit/sig/rig.h"

struct names {
	const char *host;          /* the only one that is asked for */
	uint32_t speaks;           /* bits of enum sip_transport that who asks must speak; 0: any */
	struct lookup_reply known; /* state LOOKUP_REQUEST: nothing is */
	uint32_t finds, failures;
	struct lookup_target failed; /* the last one, */
	uint32_t failed_s;           /* and for how long */
	bool blocks;                 /* what failed is remembered */
};

static inline void names_find(void *arg, const struct lookup_want *want, uint64_t now_ns,
			      struct lookup *out)
{
	struct names *n = arg;

	(void)now_ns;
	assert_string_equal(want->host, n->host);
	assert_true(want->v4 && !want->v6);
	if (n->speaks)
		assert_int_equal(want->speaks, n->speaks);
	assert_true(want->seed);
	n->finds++;
	out->state = n->known.state;
	out->ask_count = 0;
	out->target_count = n->known.count;
	memcpy(out->targets, n->known.targets, sizeof(out->targets));
}

static inline void names_failed(void *arg, const struct lookup_target *target, uint32_t for_s,
				uint64_t now_ns)
{
	struct names *n = arg;

	(void)now_ns;
	n->failures++;
	n->failed = *target;
	n->failed_s = for_s;
}

static inline bool names_blocked(void *arg, const struct lookup_target *target, uint64_t now_ns)
{
	const struct names *n = arg;

	(void)now_ns;
	return n->blocks && addr_eq(&n->failed.to, &target->to);
}

static inline struct shard_lookup names_open(struct names *n, const char *host)
{
	*n = (struct names){ .host = host, .known = { .state = LOOKUP_REQUEST } };
	return (struct shard_lookup){ n, names_find, names_failed, names_blocked };
}

/* "192.0.2.21:5060 192.0.2.22:5060" */
static inline struct lookup_reply leads_to(const char *places)
{
	struct lookup_reply outcome = { .state = LOOKUP_DONE };
	struct bytes rest = bytes_str(places), one;

	while (bytes_cut(&rest, ' ', &one))
		assert_int_equal(addr_parse(&outcome.targets[outcome.count++].to, one), 0);
	return outcome;
}

/* Whoever asked last is told. */
static inline void tell(struct rig *r, struct lookup_reply outcome)
{
	uint32_t i = (r->lookup_count - 1) % RIG_LOOKUPS_MAX;

	assert_true(r->lookup_count);
	outcome.serial = r->lookups[i].serial;
	rig_reply(r, (struct reply){
			     .ask = ASK_LOOKUP, .of = r->lookups[i].call, .lookup = &outcome });
	rig_run(r);
}

#endif
