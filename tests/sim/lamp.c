/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/lamp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

enum { TEXT_MAX_N = 4096, AUTH_TRIES = 3 };
#define AGAIN_NS (5 * NS_PER_S)
#define LEFT_NS  (32 * NS_PER_S) /* timer N */

/* ---- which ---- */

struct blf_watch *lamp_find(const struct sim *s, struct bytes call_id)
{
	for (uint32_t i = s->blf_keys.count; i-- > 0;) {
		if (bytes_is(call_id, s->blf_keys.list[i]->dialog.call_id))
			return s->blf_keys.list[i];
	}
	return NULL;
}

struct blf_watch *lamp_of(struct sim *s, const struct phone *p)
{
	for (uint32_t i = s->blf_keys.count; i-- > 0;) {
		if (s->blf_keys.list[i]->dialog.phone == p &&
		    s->blf_keys.list[i]->state != LAMP_OVER)
			return s->blf_keys.list[i];
	}
	return NULL;
}

/* ---- what it asks ---- */

static void blf_watch_ask(struct sim *s, struct blf_watch *l, const char *credentials)
{
	struct phone_call *d = &l->dialog;
	char text[TEXT_MAX_N], branch[96], extra[1200], body[256], number[16];
	struct phone_request r = { .method = "SUBSCRIBE", .extra = extra };

	(void)snprintf(extra, sizeof(extra),
		       "%sEvent: dialog\r\nAccept: application/dialog-info+xml\r\n"
		       "Expires: %u\r\n%s",
		       credentials, l->expires_s, l->list ? "Supported: eventlist\r\n" : "");
	(void)node_extension(l->extension, number);
	(void)snprintf(body, sizeof(body),
		       "<resource-lists><entry uri=\"sip:%s@%s\"/><entry uri=\"sip:nobody@%s\"/>"
		       "</resource-lists>",
		       number, g_sim_domain, g_sim_domain);
	if (l->list && !d->remote_tag[0]) {
		r.type = "Content-Type: application/resource-lists+xml\r\n";
		r.body = body;
	}
	r.branch = phone_branch(d->phone, branch);
	r.cseq = ++d->cseq;
	if (l->expires_s)
		l->until_ns = s->now_ns + l->expires_s * NS_PER_S;
	(void)phone_txn_ask(s, d->phone, NULL, SIP_SUBSCRIBE, branch,
			    phone_write_request(d, &r, text, sizeof(text)));
}

static void on_due(struct sim *s, const struct event *e)
{
	struct blf_watch *l = s->blf_keys.list[e->a];

	bool rest = s->calm || s->quiet;

	if (l->serial == e->b && l->dialog.phone->alive && l->state != LAMP_OVER && !rest)
		lamp_refresh(s, l);
}

static void lamp_refresh_later(struct sim *s, struct blf_watch *l, uint64_t ns)
{
	sim_after(s, ns, on_due, 0, l->index, ++l->serial);
}

struct blf_watch *blf_watch_begin(struct sim *s, struct phone *p, uint32_t extension,
				  uint32_t expires_s, enum lamp_manner manner)
{
	struct blf_watch *l;
	char number[16];

	if (s->blf_keys.count == BLF_KEYS_MAX)
		return NULL;
	l = calloc(1, sizeof(*l));
	assert(l);
	l->index = s->blf_keys.count;
	s->blf_keys.list[s->blf_keys.count++] = l;
	l->extension = extension;
	l->manner = manner;
	l->expires_s = manner == LAMP_FETCHES ? 0 : expires_s;
	l->dialog.phone = p;
	l->dialog.node = p->node;
	l->list = l->index % 2;
	(void)node_extension(extension, number);
	if (l->list)
		(void)snprintf(number, sizeof(number), "lists");
	(void)snprintf(l->dialog.call_id, sizeof(l->dialog.call_id), "lamp-%u", l->index);
	(void)snprintf(l->dialog.tag, sizeof(l->dialog.tag), "l%u", l->index);
	(void)snprintf(l->dialog.local, sizeof(l->dialog.local), "sip:%s@%s", p->user,
		       g_sim_domain);
	(void)snprintf(l->dialog.remote, sizeof(l->dialog.remote), "sip:%s@%s", number,
		       g_sim_domain);
	(void)snprintf(l->dialog.target, sizeof(l->dialog.target), "sip:%s@%s", number,
		       g_sim_domain);
	s->totals.blf_keys++;
	blf_watch_ask(s, l, "");
	return l;
}

void lamp_refresh(struct sim *s, struct blf_watch *l)
{
	l->auth_tries = 0;
	blf_watch_ask(s, l, "");
}

static void on_end(struct sim *s, const struct event *e)
{
	struct blf_watch *l = s->blf_keys.list[e->a];

	if (l->state != LAMP_OVER)
		lamp_end(s, l);
}

void lamp_end(struct sim *s, struct blf_watch *l)
{
	if (!l->dialog.remote_tag[0]) { /* that dialog is not there yet (RFC 6665 4.1.2.3) */
		sim_after(s, NS_PER_S, on_end, 0, l->index, 0);
		return;
	}
	l->manner = BLF_WATCH_LEAVES;
	l->expires_s = 0;
	l->serial++;
	lamp_refresh(s, l);
}

/* ---- what it hears ---- */

static void on_again(struct sim *s, const struct event *e)
{
	const struct blf_watch *l = s->blf_keys.list[e->a];

	if (l->dialog.phone->alive && !s->quiet)
		(void)blf_watch_begin(s, l->dialog.phone, l->extension, l->expires_s, l->manner);
}

/* In another dialog (RFC 6665 4.1.2.2). */
static void lamp_begin_anew(struct sim *s, struct blf_watch *l)
{
	l->state = LAMP_OVER;
	if (l->manner == LAMP_KEEPS && !s->calm)
		sim_after(s, AGAIN_NS, on_again, 0, l->index, 0);
}

static void on_left(struct sim *s, const struct event *e)
{
	s->blf_keys.list[e->a]->state = LAMP_OVER;
}

static void lamp_accepted(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	struct id_tag id;

	/* a copy came when its shard was back, which another one had stood in for */
	if (l->dialog.remote_tag[0] && !bytes_is(m->to.tag, l->dialog.remote_tag))
		l->excused |= s->totals.lost_alone > 0;
	if (bytes_cstr(m->to.tag, l->dialog.remote_tag, sizeof(l->dialog.remote_tag)) ||
	    bytes_cstr(m->contact.uri.all, l->dialog.target, sizeof(l->dialog.target)) ||
	    id_tag_get(m->to.tag, &id)) {
		check_fail(s, "%s: no dialog in the answer", l->dialog.call_id);
		return;
	}
	l->id = id.call;
	if (l->state == BLF_WATCH_ASKED)
		l->state = BLF_WATCH_ON;
	l->left = l->expires_s == 0;
	if (l->left)
		sim_after(s, LEFT_NS, on_left, 0, l->index, 0);
	else if (l->manner == LAMP_KEEPS)
		lamp_refresh_later(s, l, l->expires_s * NS_PER_S / 2);
}

static void lamp_challenged(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	char credentials[1024];

	if (l->auth_tries++ < AUTH_TRIES)
		blf_watch_ask(s, l,
			      phone_credentials(s, l->dialog.phone, m, "SUBSCRIBE",
						l->dialog.target, credentials));
	else
		lamp_begin_anew(s, l);
}

void lamp_answered(struct sim *s, struct blf_watch *l, const struct sip_message *m)
{
	uint16_t status = m ? m->status : 408;

	if (l->state == LAMP_OVER || status < 200 || (m && m->cseq != l->dialog.cseq))
		return;
	if (status == 200) {
		lamp_accepted(s, l, m);
		return;
	}
	if (status == 401 || status == 407) {
		lamp_challenged(s, l, m);
		return;
	}
	if (status == 400 || status == 421)
		check_fail(s, "%s is not understood", l->dialog.call_id);
	if (status == 481)
		check_lamp_lost(s, l);
	l->excused |= status != 481 && status != 403 && status != 404;
	if (status == 503 && l->state == BLF_WATCH_ON) /* it lasts until its time is over */
		lamp_refresh_later(s, l, AGAIN_NS);
	else
		lamp_begin_anew(s, l);
}

void lamp_forget(struct blf_watch *l)
{
	l->state = LAMP_OVER;
	l->serial++;
}

void lamps_vanish(struct sim *s, const struct phone *p)
{
	for (uint32_t i = 0; i < s->blf_keys.count; i++) {
		if (s->blf_keys.list[i]->dialog.phone != p)
			continue;
		s->blf_keys.list[i]->excused = true;
		s->blf_keys.list[i]->state = LAMP_OVER;
	}
}

void lamps_go(struct sim *s, const struct phone *p)
{
	for (uint32_t i = 0; i < s->blf_keys.count; i++)
		s->blf_keys.list[i]->excused |= s->blf_keys.list[i]->dialog.phone == p;
}

void lamps_close(struct sim *s)
{
	for (uint32_t i = 0; i < s->blf_keys.count; i++)
		free(s->blf_keys.list[i]);
	s->blf_keys.count = 0;
}
