/* SPDX-License-Identifier: Apache-2.0 */
/* The phone that gives its party away (RFC 3515). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { LINES_MAX = 128 };

static struct phone_refer *refer_of(struct phone_call *c, uint32_t cseq)
{
	for (uint32_t i = 0; i < c->refer_count; i++) {
		if (c->refers[i].cseq == cseq)
			return &c->refers[i];
	}
	return NULL;
}

void phone_refer(struct sim *s, struct phone_call *c, uint32_t to, bool silent)
{
	char lines[LINES_MAX], number[16];

	if (c->refer_count == PHONE_REFERS_MAX || c->state != PC_TALKING ||
	    (!c->caller && !c->acked))
		return;
	c->refers[c->refer_count++] = (struct phone_refer){ .cseq = c->cseq + 1,
							    .silent = silent,
							    .incarnation = s->node.incarnation };
	s->totals.refers++;
	(void)snprintf(lines, sizeof(lines), "Refer-To: <sip:%s@test.local>\r\n%s",
		       node_extension(to, number), silent ? "Refer-Sub: false\r\n" : "");
	phone_ask_with(s, c, "REFER", lines);
}

void phone_referred(struct sim *s, struct phone_txn *t, const struct sip_message *m)
{
	struct phone_call *c = t->call;
	struct phone_refer *r = refer_of(c, m->cseq);

	if (!r)
		return;
	r->status = m->status;
	if (m->status == 202) {
		s->totals.given++;
		check_referred(s, c, r);
		scenario_referred(s, c);
	} else if (m->status == 481) {
		check_forgot(s, c, "REFER");
		phone_bye(s, c); /* RFC 3261 12.2.1.2 */
	}
}

/* Event: refer;id=CSEQ */
static uint32_t id_of(const struct sip_message *m)
{
	static const char begin[] = "refer;id=";
	struct bytes value = { 0 };
	uint64_t id = 0;

	if (!message_header(m, "Event", 0, &value) || !bytes_starts(value, begin) ||
	    bytes_u64(bytes_from(value, sizeof(begin) - 1), &id))
		return 0;
	return (uint32_t)id;
}

static bool is_last(const struct sip_message *m)
{
	struct bytes value = { 0 };

	return message_header(m, "Subscription-State", 0, &value) &&
	       bytes_starts(value, "terminated");
}

void phone_notified(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	struct phone_refer *r = refer_of(c, id_of(m));

	if (!r) {
		check_fail(s, "%s: a NOTIFY to %s of no REFER", c->call_id, c->phone->user);
		return;
	}
	check_notified(s, c, r, is_last(m));
	r->told |= is_last(m);
	if (is_last(m) && bytes_starts(m->body, "SIP/2.0 200"))
		scenario_transferred(s, c);
}
