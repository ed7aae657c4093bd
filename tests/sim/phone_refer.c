/* SPDX-License-Identifier: Apache-2.0 */
/* The phone that gives its party away (RFC 3515). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { LINES_MAX = 256, EXTRA_MAX = 2048, TEXT_MAX_N = 4096 };

static struct phone_refer *refer_of(struct phone_call *c, uint32_t cseq)
{
	for (uint32_t i = 0; i < c->refer_count; i++) {
		if (c->refers[i].cseq == cseq)
			return &c->refers[i];
	}
	return NULL;
}

static bool may_refer(const struct phone_call *c)
{
	return c && c->refer_count < PHONE_REFERS_MAX && c->state == PC_TALKING &&
	       (c->caller || c->acked);
}

static void note_refer(struct sim *s, struct phone_call *c, bool silent)
{
	c->refers[c->refer_count++] = (struct phone_refer){
		.cseq = c->cseq + 1,
		.silent = silent,
		.incarnation = node_run_of_call(s, c->node_call,
						node_place_of_call(s, c->node_call, c->node))
	};
	s->totals.refers++;
}

static void refer_lines(char out[LINES_MAX], uint32_t to, bool silent)
{
	char number[16];

	(void)snprintf(out, LINES_MAX, "Refer-To: <sip:%s@%s>\r\n%s", node_extension(to, number),
		       g_sim_domain, silent ? "Refer-Sub: false\r\n" : "");
}

void phone_refer(struct sim *s, struct phone_call *c, uint32_t to, bool silent)
{
	char lines[LINES_MAX];

	if (!may_refer(c))
		return;
	note_refer(s, c, silent);
	refer_lines(lines, to, silent);
	phone_ask_with(s, c, "REFER", lines);
}

void phone_park(struct sim *s, struct phone_call *c)
{
	char lines[LINES_MAX];

	if (!may_refer(c))
		return;
	note_refer(s, c, false);
	(void)snprintf(lines, sizeof(lines), "Refer-To: <sip:%s@%s>\r\n", PHONE_SLOT, g_sim_domain);
	phone_ask_with(s, c, "REFER", lines);
}

/* RFC 3891 3: the tags as the node sees them. */
void phone_refer_joining(struct sim *s, struct phone_call *c, const struct phone_call *with)
{
	char lines[LINES_MAX];

	if (!may_refer(c) || !with || !with->remote_tag[0])
		return;
	note_refer(s, c, false);
	c->refers[c->refer_count - 1].with = with;
	check_across(s, c->node, with->node);
	(void)snprintf(lines, sizeof(lines),
		       "Refer-To: <sip:%s@%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>"
		       "\r\n",
		       with->to[0] ? with->to : "1001", g_sim_domain, with->call_id,
		       with->remote_tag, with->tag);
	phone_ask_with(s, c, "REFER", lines);
}

/* ---- the node asks it to call somebody ---- */

#define REFERRED_NS (NS_PER_S / 10)

static void notify(struct sim *s, struct phone_call *c, const char *credentials)
{
	char extra[EXTRA_MAX], body[64];
	struct phone_request r = { .method = "NOTIFY", .extra = extra, .body = body };

	(void)snprintf(extra, sizeof(extra), "Event: refer;id=%u\r\nSubscription-State: %s\r\n%s",
		       c->referred,
		       c->notifies_last ? "terminated;reason=noresource" : "active;expires=60",
		       credentials);
	(void)snprintf(body, sizeof(body), "SIP/2.0 %u Said\r\n",
		       c->notifies_last ? s->script->referred : 100U);
	r.type = "Content-Type: message/sipfrag\r\n";
	phone_ask_as(s, c, &r);
}

/* b: the last one. */
static void on_notify(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (!p->alive || c->state != PC_TALKING)
		return;
	c->notifies_last = e->b;
	notify(s, c, "");
	if (!c->notifies_last)
		sim_after(s, 30 * REFERRED_NS, on_notify, e->who, e->a, true);
}

uint16_t phone_asked_to_call(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	struct bytes value;

	if (!s->script || !s->script->referred)
		return 405;
	if (!message_header(m, "Refer-To", 0, &value) ||
	    !message_header(m, "Referred-By", 0, &value))
		check_fail(s, "%s: a REFER that names nobody", c->call_id);
	if (c->referred)
		check_fail(s, "%s: REFER %u after REFER %u", c->call_id, m->cseq, c->referred);
	c->referred = m->cseq;
	sim_after(s, REFERRED_NS, on_notify, c->phone->index, c->index, false);
	return 202;
}

/* One that comes behind the next one is too late. */
void phone_notify_answered(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	char credentials[1024];

	if (m->status == 200 || m->cseq != c->cseq || c->state != PC_TALKING)
		return;
	if (m->status == 407 || m->status == 401)
		notify(s, c, phone_credentials(s, c->phone, m, "NOTIFY", c->target, credentials));
	else
		check_forgot(s, c, "NOTIFY");
}

/* ---- outside of a dialog ---- */

static void ask_outside(struct sim *s, struct phone_call *c, const char *credentials)
{
	const struct phone_call *about = c->about;
	char text[TEXT_MAX_N], branch[96], lines[LINES_MAX], extra[EXTRA_MAX];
	struct phone_request r = { .method = "REFER", .extra = extra };

	refer_lines(lines, (uint32_t)strtoul(c->to, NULL, 10), c->refers[0].silent);
	(void)snprintf(extra, sizeof(extra),
		       "%sTarget-Dialog: %s;local-tag=%s;remote-tag=%s\r\nRequire: tdialog\r\n%s",
		       lines, about->call_id, about->remote_tag, about->tag, credentials);
	r.branch = phone_branch(c->phone, branch);
	r.cseq = c->refers[0].cseq = ++c->cseq;
	(void)phone_txn_ask(s, c->phone, c, SIP_REFER, branch,
			    phone_write_request(c, &r, text, sizeof(text)));
}

void phone_refer_outside(struct sim *s, struct phone *p, struct phone_call *about, uint32_t to,
			 bool silent)
{
	struct phone_call *c = may_refer(about) ? phone_call_new(s, p) : NULL;

	if (!c)
		return;
	c->state = PC_OVER;
	c->about = about;
	(void)snprintf(c->to, sizeof(c->to), "%u", to);
	(void)snprintf(c->call_id, sizeof(c->call_id), "refer-%u-%u", p->index, c->index);
	(void)snprintf(c->local, sizeof(c->local), "sip:%s@%s", p->user, g_sim_domain);
	(void)snprintf(c->remote, sizeof(c->remote), "sip:%s", g_sim_domain);
	(void)snprintf(c->target, sizeof(c->target), "%s", about->target);
	note_refer(s, c, silent);
	ask_outside(s, c, "");
}

/* True: once more, with a password. */
static bool challenged(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	char credentials[1024];

	if (!c->about || (m->status != 401 && m->status != 407) || c->auth_tries++)
		return false;
	ask_outside(s, c, phone_credentials(s, c->phone, m, "REFER", c->target, credentials));
	return true;
}

void phone_referred(struct sim *s, struct phone_txn *t, const struct sip_message *m)
{
	struct phone_call *c = t->call;
	struct phone_refer *r = refer_of(c, m->cseq);

	if (!r || challenged(s, c, m))
		return;
	r->status = m->status;
	if (c->about && m->status == 202)
		(void)bytes_cstr(m->to.tag, c->remote_tag, sizeof(c->remote_tag));
	if (m->status == 202 && r->with && r->with->node != c->node && !s->links.on)
		check_fail(s, "%s: a node takes the other one's dialog", c->call_id);
	if (m->status == 202) {
		s->totals.given++;
		check_referred(s, c, r);
		scenario_referred(s, c);
	} else if (m->status == 481 && c->about) {
		check_forgot(s, c->about, "Target-Dialog");
	} else if (m->status == 481) {
		if (!r->with || check_is_there(s, c, r->with))
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

void phone_notified(struct sim *s, struct phone_call *c, const struct sip_message *m, bool forgot)
{
	struct phone_refer *r = refer_of(c, id_of(m));

	if (!r) {
		if (!check_is_anothers_refer(s, c, id_of(m)))
			check_fail(s, "%s: a NOTIFY to %s of no REFER", c->call_id, c->phone->user);
		return;
	}
	check_given(s, c->node_call); /* whatever became of 202 */
	check_notified(s, c, r, is_last(m));
	r->told |= is_last(m);
	r->forgotten |= forgot;
	if (is_last(m) && bytes_starts(m->body, "SIP/2.0 200"))
		scenario_transferred(s, c);
}
