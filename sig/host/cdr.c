/* SPDX-License-Identifier: Apache-2.0 */
/* Names and Q.850 codes of the causes by which calls end, and names of CDR fields (cdr.h). One
 * table makes enum, sentence and code. Without a code of its own a cause takes that of the SIP
 * status, by RFC 3398 7.2.4.1. Used by CDRs, events and Reason headers. */

#include "sig/host/cdr.h"

#include <assert.h>

#include "base/bytes.h"

enum { Q850_INTERWORKING = 127 };

static const struct {
	uint16_t q850;
	const char *text;
} g_causes[CALL_CAUSE_COUNT] = {
#define X(id, q850, text) { q850, text },
	CALL_CAUSES(X)
#undef X
};

/* RFC 3398 7.2.4.1, the codes a phone gives */
static const struct {
	uint16_t status, q850;
} g_by_status[] = {
	{ 200, 16 },  { 400, 41 }, { 403, 21 }, { 404, 1 },  { 405, 63 }, { 408, 102 },
	{ 410, 22 },  { 415, 79 }, { 480, 18 }, { 481, 41 }, { 484, 28 }, { 486, 17 },
	{ 487, 16 },  { 488, 65 }, { 500, 41 }, { 501, 79 }, { 502, 38 }, { 503, 41 },
	{ 504, 102 }, { 600, 17 }, { 603, 21 }, { 604, 1 },
};

const struct call_fact call_facts[] = {
#define CALL_FACT(member, size, from, name, help) { name, offsetof(struct call_facts, member) },
#include "sig/host/call_facts.def"
#undef CALL_FACT
	{ NULL, 0 },
};

const char *call_cause_text(enum call_cause cause)
{
	assert(cause < CALL_CAUSE_COUNT);
	return g_causes[cause].text;
}

uint16_t call_cause_q850(enum call_cause cause, uint16_t status)
{
	assert(cause < CALL_CAUSE_COUNT);
	if (g_causes[cause].q850)
		return g_causes[cause].q850;
	for (size_t i = 0; i < COUNT_OF(g_by_status); i++) {
		if (g_by_status[i].status == status)
			return g_by_status[i].q850;
	}
	return Q850_INTERWORKING;
}
