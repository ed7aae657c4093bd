/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/story.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { RINGS_MS = 1000, LEFT_S = 10, REST_S = 160 };
#define FROM_NS (2 * NS_PER_S) /* registered by then */

/* ---- steps ---- */

/* The newest call of a phone that is not over. */
static struct phone_call *call_of(struct phone *p)
{
	for (uint32_t i = p->call_count; i-- > 0;) {
		if (p->calls[i]->state != PC_OVER)
			return p->calls[i];
	}
	return NULL;
}

static struct phone_call *oldest_of(struct phone *p)
{
	for (uint32_t i = 0; i < p->call_count; i++) {
		if (p->calls[i]->state != PC_OVER)
			return p->calls[i];
	}
	return NULL;
}

/* v: the first of them. */
static void end_all(struct sim *s, struct node_calls *cursor, struct call_view *v)
{
	uint64_t calls[SEEN_MAX];
	uint32_t count = 0;

	do
		calls[count++] = v->call;
	while (count < SEEN_MAX && node_call_next(s, cursor, v));
	for (uint32_t i = 0; i < count; i++)
		node_hangup(s, calls[i]);
}

static void by_operator(struct sim *s, const struct story_step *step)
{
	struct node_calls cursor = { 0 };
	struct call_view *v = calloc(1, sizeof(*v)); /* too large for the stack */
	bool found;

	assert(v);
	found = node_call_next(s, &cursor, v);
	while (found && step->what == STORY_OTHER && node_call_next(s, &cursor, v))
		;
	if (found && step->what == STORY_OPERATOR)
		end_all(s, &cursor, v);
	else if (found)
		node_command(s, v->call, step->to);
	free(v);
}

/* The call of A, and the other one. False: there are not two. */
static bool two_calls(struct sim *s, uint64_t *call, uint64_t *with)
{
	struct node_calls cursor = { 0 };
	struct call_view v;
	char a[16];

	*call = *with = 0;
	while (node_call_next(s, &cursor, &v))
		*(strcmp(v.from, node_extension(EXT_A, a)) ? with : call) = v.call;
	return *call && *with;
}

static void by_command(struct sim *s, const struct story_step *step)
{
	struct node_calls cursor = { 0 };
	struct call_view v;
	uint64_t call, with;

	if (step->what == STORY_JOIN && two_calls(s, &call, &with))
		node_join(s, call, (enum shard_leg)step->who, with, (enum shard_leg)step->to);
	else if (step->what == STORY_CONFER && two_calls(s, &call, &with))
		node_confer(s, call, with, 0);
	else if (step->what == STORY_CONFER_INTO && two_calls(s, &call, &with))
		node_confer_into(s, call, with);
	else if (step->what == STORY_CONFER_RINGS && node_call_next(s, &cursor, &v))
		node_confer(s, v.call, 0, step->to);
	else if (step->what == STORY_TRANSFER && node_call_next(s, &cursor, &v))
		node_transfer(s, v.call, (enum shard_leg)step->who, step->to);
	else if (step->what == STORY_DEFLECT && node_call_next(s, &cursor, &v))
		node_deflect(s, v.call, step->to);
	else if (step->what == STORY_REJECT && node_call_next(s, &cursor, &v))
		node_reject(s, v.call, step->to);
	else if (step->what == STORY_AGAIN)
		node_again(s);
}

static void store_step(struct sim *s, bool up)
{
	if (up)
		store_up(s);
	else
		store_down(s);
	for (uint32_t i = 0; i < s->node_count; i++)
		node_health(&s->nodes[i], up);
}

static void hold(struct sim *s, struct phone_call *c)
{
	c->sdp.hold = !c->sdp.hold;
	phone_reinvite(s, c, false);
}

static void move(struct sim *s, struct phone_call *c)
{
	c->sdp.port = (uint16_t)(c->sdp.port + 100);
	phone_reinvite(s, c, false);
}

/* RFC 3311 */
static void move_by_update(struct sim *s, struct phone_call *c)
{
	char sdp[PHONE_SDP_MAX];

	c->sdp.port = (uint16_t)(c->sdp.port + 100);
	c->updates = true;
	phone_ask(s, c, "UPDATE", "Content-Type: application/sdp\r\n", phone_sdp_offer(c, sdp));
}

static void press(struct sim *s, struct phone_call *c, char key)
{
	char body[48];

	(void)snprintf(body, sizeof(body), "Signal=%c\r\nDuration=160\r\n", key);
	phone_ask(s, c, "INFO", "Content-Type: application/dtmf-relay\r\n", body);
}

static void replace(struct sim *s, struct phone *p, const struct phone_call *of)
{
	if (of)
		phone_replace(s, p, of);
}

static void take(struct sim *s, const struct story_step *step)
{
	static const char *const codes[] = {
		[CODE_FORWARD_TO_C] = "*721003",
		[CODE_FORWARD_OFF] = "*73",
		[CODE_DISTURB_OFF] = "*78",
		[CODE_DISTURB_ON] = "*79",
		[CODE_SMART_ON] = "*76",
		[CODE_TO_NOBODY] = "*999999",
		[CODE_TO_ITSELF] = "*721001",
		[CODE_OPERATOR] = "0",
		[CODE_B] = "882",
		[CODE_BARRED] = "90",
		[CODE_ACCESS] = "9",
		[CODE_SLOT] = PHONE_SLOT,
		[CODE_PICK_B] = PHONE_PICK "1002",
		[CODE_PICK] = PHONE_PICK,
		[CODE_ROOM] = PHONE_ROOM,
		[CODE_LAST_CALLER] = "#69",
		[CODE_FLOW] = PHONE_FLOW,
	};
	struct phone *p = &s->phones.list[step->who];
	struct phone_call *c = call_of(p);
	char number[16];

	if (!c && step->what >= STORY_HANG_UP && step->what <= STORY_REFER_OUTSIDE_SILENT)
		return;
	switch (step->what) {
	case STORY_END:
		break;
	case STORY_DIAL:
	case STORY_DIAL_LATE:
		(void)phone_dial(s, p, node_extension(step->to, number),
				 step->what == STORY_DIAL_LATE);
		break;
	case STORY_DIAL_PUBLIC:
	case STORY_DIAL_TEMPORARY:
		(void)phone_dial_one(s, p, &s->phones.list[step->to],
				     step->what == STORY_DIAL_TEMPORARY);
		break;
	case STORY_CODE:
		(void)phone_dial(s, p, codes[step->to], false);
		break;
	case STORY_REPLACE:
		replace(s, p, call_of(&s->phones.list[step->to]));
		break;
	case STORY_HANG_UP:
		phone_hang_up(s, c);
		break;
	case STORY_HOLD:
		hold(s, c);
		break;
	case STORY_MOVE:
		move(s, c);
		break;
	case STORY_ASK_LATE:
		phone_reinvite(s, c, true);
		break;
	case STORY_INFO:
		phone_ask(s, c, "INFO", "Content-Type: application/dtmf-relay\r\n",
			  "Signal=5\r\nDuration=160\r\n");
		break;
	case STORY_KEY:
		press(s, c, (char)step->to);
		break;
	case STORY_MESSAGE:
		phone_ask(s, c, "MESSAGE", "Content-Type: text/plain\r\n", "x");
		break;
	case STORY_PAGE:
		phone_page(s, p, step->to);
		break;
	case STORY_OPTIONS:
		phone_ask(s, c, "OPTIONS", "", "");
		break;
	case STORY_UPDATE:
		phone_ask(s, c, "UPDATE", "", "");
		break;
	case STORY_UPDATE_MOVE:
		move_by_update(s, c);
		break;
	case STORY_REFRESH:
		phone_ask_with(s, c, "UPDATE", STORY_SESSION);
		break;
	case STORY_REFER:
	case STORY_REFER_SILENT:
		phone_refer(s, c, step->to, step->what == STORY_REFER_SILENT);
		break;
	case STORY_PARK:
		phone_park(s, c);
		break;
	case STORY_REFER_JOIN:
		phone_refer_joining(s, oldest_of(p), c);
		break;
	case STORY_REFER_OUTSIDE:
	case STORY_REFER_OUTSIDE_SILENT:
		phone_refer_outside(s, p, c, step->to, step->what == STORY_REFER_OUTSIDE_SILENT);
		break;
	case STORY_REFER_OF_B:
		phone_refer_outside(s, p, call_of(&s->phones.list[B]), step->to, false);
		break;
	case STORY_ORIGINATE:
		node_originate(node_of_place(s, 0), step->who, step->to);
		break;
	case STORY_COMMAND:
	case STORY_OTHER:
	case STORY_OPERATOR:
		by_operator(s, step);
		break;
	case STORY_TRANSFER:
	case STORY_DEFLECT:
	case STORY_REJECT:
	case STORY_JOIN:
	case STORY_CONFER:
	case STORY_CONFER_INTO:
	case STORY_CONFER_RINGS:
	case STORY_AGAIN:
		by_command(s, step);
		break;
	case STORY_VANISH:
		phone_vanish(s, p, false);
		break;
	case STORY_RETURN:
		phone_return(s, p);
		break;
	case STORY_DROP:
		net_drop(s, p);
		break;
	case STORY_ROAM:
		if (!document_shuts_out(s, p->extension))
			phone_roam(s, p, (enum sip_transport)step->to);
		break;
	case STORY_STORE_DOWN:
	case STORY_STORE_UP:
		store_step(s, step->what == STORY_STORE_UP);
		break;
	case STORY_ICE_RESTART:
	case STORY_NEW_CERTIFICATE:
		if (c)
			phone_web_restart(s, c, step->what == STORY_NEW_CERTIFICATE);
		break;
	case STORY_DOCUMENTS:
		s->documents.way = step->to;
		break;
	case STORY_DOCUMENT:
		document_change(s, step->who, (enum document_what)step->to);
		break;
	case STORY_CALLBACK:
		callback_create(s, step->who);
		break;
	case STORY_LAMP:
	case STORY_LAMP_RUNS:
	case STORY_LAMP_FETCH:
	case STORY_LAMP_REFRESH:
	case STORY_LAMP_OFF:
	case STORY_LAMP_FORGET:
		story_lamp(s, step);
		break;
	}
}

static void on_step(struct sim *s, const struct event *e)
{
	take(s, &s->script->steps[e->a]);
}

/* ---- what is to come of it ---- */

static const struct phone_call *talks(struct phone *p)
{
	const struct phone_call *c = call_of(p);

	return c && c->state == PC_TALKING && (c->caller || c->acked) ? c : NULL;
}

static bool has_key(const struct engine_flow *f, const struct phone_call *c)
{
	const struct media_key *key = &c->sdp.web.key;

	return f->spec.key_out.length == key->length &&
	       memcmp(f->spec.key_out.octets, key->octets, key->length) == 0;
}

/* A kill took the keys of its handshake before they were saved, and no other process can go on with it. Saved ones are no excuse. */
static bool is_stuck(const struct sim *s, const struct phone_call *c)
{
	for (uint32_t i = 0; phone_web_is_stuck(c) && i < ENGINE_FLOWS_MAX; i++) {
		if (s->engine.flows[i].open && has_key(&s->engine.flows[i], c))
			return false;
	}
	return phone_web_is_stuck(c);
}

/* Killed before the call was in the store: an INVITE that was told 100 and no more may be lost. */
static bool is_lost(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->caller && p->calls[k]->excused)
				return true;
			if (is_stuck(s, p->calls[k]))
				return true;
		}
	}
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (s->check.seen[i].weak)
			return true;
	}
	return false;
}

static bool is_forgiven(struct sim *s)
{
	return s->loose || check_is_uncounted(s) ||
	       ((s->totals.crashes || s->totals.taken) && (s->script->loose || is_lost(s)));
}

/* Where the phone says that it is; a browser by its checks, and when both have keys. */
static bool is_sent_to(const struct engine_flow *f, const struct phone_call *c)
{
	if (!c->phone->web)
		return f->spec.remote_rtp.port == c->sdp.port;
	return memcmp(f->spec.ice.ufrag, c->sdp.web.node_ufrag, ICE_UFRAG_LEN) == 0 &&
	       c->sdp.web.done && has_key(f, c);
}

/* The engine sends there. */
static bool is_attached(const struct sim *s, const struct phone_call *c)
{
	uint64_t call = check_call_of(s, c);

	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &s->engine.flows[i];

		if (f->open && f->spec.call == call && is_sent_to(f, c))
			return true;
	}
	return false;
}

static const struct engine_flow *peer_of(const struct sim *s, const struct engine_flow *f)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *peer = &s->engine.flows[i];

		if (peer->open && flow_id_eq(peer->spec.id, f->spec.peer))
			return peer;
	}
	return NULL;
}

/* The one who is heard may say what is heard, and a number that means something else is transcoded. Of phones with static numbers alone. */
static bool is_taken(const struct payload_rule *r, const struct engine_flow *peer)
{
	bool taken = false;

	for (uint8_t i = 0; i < peer->spec.rule_count; i++)
		taken |= peer->spec.rules[i].in == r->out;
	return taken && (r->in != r->out) == (r->coding != 0);
}

/* What the phone says can be heard. */
static bool is_understood(const struct sim *s, const struct phone_call *c)
{
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &s->engine.flows[i], *peer;

		if (!f->open || f->spec.call != check_call_of(s, c) || !is_sent_to(f, c))
			continue;
		peer = peer_of(s, f);
		for (uint8_t k = 0; peer && k < f->spec.rule_count; k++) {
			if (!f->spec.rules[k].event && is_taken(&f->spec.rules[k], peer))
				return true;
		}
	}
	return false;
}

/* The engine sends its picture there, where it has one. */
static bool is_shown(const struct sim *s, const struct phone_call *c)
{
	if (!c->sdp.video || !c->sdp.video_port || c->phone->web)
		return true;
	for (uint32_t i = 0; i < ENGINE_FLOWS_MAX; i++) {
		const struct engine_flow *f = &s->engine.flows[i];

		if (f->open && f->spec.call == check_call_of(s, c) && f->spec.send &&
		    f->spec.remote_rtp.port == c->sdp.video_port)
			return true;
	}
	return false;
}

static bool is_one_conference(struct sim *s, uint64_t call, uint64_t other)
{
	uint64_t room = check_room_of(s, call);

	return room && room == check_room_of(s, other);
}

/* call: of who was looked at before; 0: nobody talks */
static void look_at(struct sim *s, uint32_t i, uint64_t *call)
{
	const struct phone_call *c = talks(&s->phones.list[i]);
	const char *name = s->script->name;
	char phone = "ABCDb"[i];

	if ((s->script->talk >> i & 1) != (c != NULL))
		check_fail(s, "%s: phone %c %s", name, phone, c ? "talks" : "does not talk");
	if (!c)
		return;
	if (!is_attached(s, c) && !check_took(s, c->node_call))
		check_fail(s, "%s: nothing is sent to port %u of phone %c", name, c->sdp.port,
			   phone);
	if (s->script->transcodes && !is_understood(s, c) && !check_took(s, c->node_call))
		check_fail(s, "%s: what phone %c says is not understood", name, phone);
	if (!is_shown(s, c) && !check_took(s, c->node_call))
		check_fail(s, "%s: phone %c sees nothing", name, phone);
	if (*call && c->node_call != *call && !check_far_is_one(s, c->node_call, *call) &&
	    !is_one_conference(s, c->node_call, *call))
		check_fail(s, "%s: they talk in two calls", name);
	*call = c->node_call;
}

/* Who names itself is registered once, and there, wherever it has been. */
static void look_where(struct sim *s, const struct phone *p)
{
	const struct node *n = node_of_place(s, p->node);
	const struct aor *a =
		node_is_up(n) ? locations_find(n->locations, n->tenant, bytes_str(p->user)) : NULL;
	uint32_t here = 0, all = 0;
	char name[32];

	if (document_is_unknown(s, p->extension) || s->documents.shut_ns)
		return;
	if (s->floats && !locations_know(n->locations, n->tenant, bytes_str(p->user)))
		return; /* it would ask */

	(void)snprintf(name, sizeof(name), "<urn:phone:%u>", p->index);
	for (uint32_t i = 0; a && i < a->count; i++) {
		const struct binding *b = &a->bindings[i];

		if (!bytes_is(text_bytes(&b->instance), name))
			continue;
		all++;
		here += addr_ip_eq(&b->hop.remote, &p->addr) && b->hop.transport == p->transport;
	}
	if (a && (here != 1 || all != 1))
		check_fail(s, "%s: %s#%u is registered %u times, there %u", s->script->name,
			   p->user, p->index, all, here);
}

static void look_at_recordings(struct sim *s)
{
	uint32_t n = s->script->external ? srs_count(s) : recorder_count(s);

	if ((s->script->recorded || s->script->on_demand || s->script->message) &&
	    n != s->script->records)
		check_fail(s, "%s: %u recordings are on, not %u", s->script->name, n,
			   s->script->records);
}

static void on_look(struct sim *s, const struct event *e)
{
	uint64_t call = 0;

	(void)e;
	for (uint32_t i = 0; i < s->phones.count && !is_forgiven(s); i++)
		look_at(s, i, &call);
	if (!is_forgiven(s)) {
		story_look_at_lamps(s);
		check_slots(s, s->script->waits);
		look_at_recordings(s);
	}
	for (uint32_t i = 0; i < s->phones.count; i++) {
		if (s->phones.list[i].has_instance && s->phones.list[i].alive)
			look_where(s, &s->phones.list[i]);
	}
}

/* Of two calls that become one, or are made of one: whose CDRs say all of it. */
static const struct seen *most_told(const struct sim *s)
{
	const struct seen *most = s->check.seen_count ? &s->check.seen[0] : NULL;

	for (uint32_t i = 1; i < s->check.seen_count; i++) {
		if (s->check.seen[i].pairs > most->pairs)
			most = &s->check.seen[i];
	}
	return most;
}

void story_end(struct sim *s)
{
	const struct story *t = s->script;
	const struct seen *most = most_told(s);

	srs_check_end(s);
	if (is_forgiven(s))
		return;
	if ((t->pairs || t->status) && !most) {
		check_fail(s, "%s: nothing was written", t->name);
		return;
	}
	if (t->named && !s->totals.names)
		check_fail(s, "%s: no name was looked up", t->name);
	if (t->asks && !s->totals.asked)
		check_fail(s, "%s: nobody asked who the node is", t->name);
	if (t->dead && !s->totals.displaced)
		check_fail(s, "%s: the dead place was not tried", t->name);
	if (t->paged && phone_pages_taken(s) != t->paged)
		check_fail(s, "%s: %u pages were taken, not %u", t->name, phone_pages_taken(s),
			   t->paged);
	if (t->message && !s->recorders.messages)
		check_fail(s, "%s: nobody heard of the message", t->name);
	if (t->messages && boxes_new(s) != t->messages)
		check_fail(s, "%s: %u new messages, not %u", t->name, boxes_new(s), t->messages);
	if (t->pairs && most->pairs != t->pairs)
		check_fail(s, "%s: %u CDRs, not %u", t->name, most->pairs, t->pairs);
	if (t->status && most->cdr.sip_status != t->status)
		check_fail(s, "%s: the CDR says %u, not %u", t->name, most->cdr.sip_status,
			   t->status);
	if (t->recordings && most->cdr.recordings != t->recordings)
		check_fail(s, "%s: the CDR names recordings %llx, not %x", t->name,
			   (unsigned long long)most->cdr.recordings, t->recordings);
}

void story_manner(const struct sim *s, const struct phone_call *c, struct phone_manner *out)
{
	*out = s->script->manner[c->phone->index];
	if (!out->ring_ns)
		out->ring_ns = RINGS_MS * NS_PER_MS;
	out->rings = !out->early && out->status / 100 != 5; /* that one has not come so far */
}

/* ---- from its beginning to its end ---- */

static void on_from(struct sim *s, const struct event *e)
{
	(void)e;
	s->counts = true;
}

static void on_left(struct sim *s, const struct event *e)
{
	s->quiet = true;
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone_call *c = call_of(&s->phones.list[i]);

		if (c && s->phones.list[i].alive)
			phone_hang_up(s, c);
	}
	if (e->a)
		by_operator(s, &(struct story_step){ .what = STORY_OPERATOR });
}

static void open_phones(struct sim *s)
{
	static const uint8_t extensions[STORY_PHONES] = { EXT_A, EXT_B, EXT_C, EXT_D, EXT_B };

	s->phones.count = STORY_PHONES;
	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		struct phone_kind kind = { .extension = extensions[i],
					   .expires_s = 3600,
					   .transport = s->script->tls ? SIP_TLS : SIP_UDP,
					   .srtp = s->script->tls,
					   .video = s->script->video,
					   .web = s->script->web >> i & 1,
					   .node = s->script->elsewhere >> i & 1 };

		if (kind.web && s->script->wss)
			kind.transport = SIP_WSS;

		phone_open(s, i, &kind);
		s->phones.list[i].only = s->script->only[i];
		s->phones.list[i].has_instance =
			story_names_phone(s, i) ||
			((s->script->instances | s->script->flows) >> i & 1);
		s->phones.list[i].reg_id = s->script->flows >> i & 1;
		if (s->script->absent >> i & 1)
			phone_vanish(s, &s->phones.list[i], false);
	}
}

static void chain_link(struct sim *s, const struct story_chain *chain, uint32_t i)
{
	struct shard_forward *f = &s->phones.forward[i];
	struct writer w = writer_over(f->always, sizeof(f->always) - 1);
	uint32_t to = i == EXT_D + (uint32_t)chain->length ? EXT_C : i + 1;
	char number[16];

	for (uint32_t k = 0; k < chain->unknown; k++)
		writer_fmt(&w, "2%02u%u,", i, k);
	writer_str(&w, node_extension(to, number));
	assert(!w.overflow);
}

static void chain_begin(struct sim *s, const struct story_chain *chain)
{
	s->phones.extension_count += chain->length;
	for (uint32_t i = 0; i < chain->length; i++)
		chain_link(s, chain, EXT_D + 1 + i);
}

void story_begin(struct sim *s)
{
	const struct story *t = s->script;
	uint64_t last_s = 0;

	s->phones.extension_count = STORY_PHONES - 1;
	s->phones.music = t->music;
	s->phones.spoken = t->spoken;
	memcpy(s->phones.forward, t->forward, sizeof(t->forward));
	chain_begin(s, &t->chain);
	for (uint32_t i = 0; t->tls && i < STORY_PHONES; i++)
		s->phones.secure[i] = SECURE_TLS;
	for (uint32_t i = 0; i < STORY_PHONES; i++)
		s->phones.web[i % (STORY_PHONES - 1)] |= i < STORY_PHONES - 1 && (t->web >> i & 1);
	for (uint32_t i = 0; i < STORY_PHONES; i++)
		s->phones.named[i] = t->named >> i & 1;
	for (uint32_t i = 0; i < STORY_PHONES; i++)
		s->phones.asks[i] = t->asks >> i & 1;
	s->phones.nonce_ms = t->nonce_s ? t->nonce_s * 1000u : UINT32_MAX;
	s->net.delay_max_ms = 1;
	s->store.latency_max_us = 1000;
	node_begin(s);
	open_phones(s);
	sim_after(s, FROM_NS, on_from, 0, 0, 0);
	for (uint32_t i = 0; i < STORY_STEPS_MAX && t->steps[i].what; i++) {
		last_s = t->steps[i].at_s;
		sim_after(s, last_s * NS_PER_S, on_step, 0, i, 0);
	}
	if (t->look_s)
		sim_after(s, t->look_s * NS_PER_S, on_look, 0, 0, 0);
	last_s = last_s > t->look_s ? last_s : t->look_s;
	sim_after(s, (last_s + LEFT_S) * NS_PER_S, on_left, 0, 0, 0);
	sim_after(s, (last_s + 2 * LEFT_S) * NS_PER_S, on_left, 0, 0, 0);
	sim_after(s, (last_s + 6 * LEFT_S) * NS_PER_S, on_left, 0, 1, 0);
	s->end_ns = (last_s + REST_S) * NS_PER_S;
}

/* NULL: there are no more. */
static const struct story *story_at(uint32_t i)
{
	if (i < story_count)
		return &story_list[i];
	i -= story_count;
	if (i < story_lamp_count)
		return &story_lamps[i];
	i -= story_lamp_count;
	if (i < story_park_count)
		return &story_parks[i];
	i -= story_park_count;
	if (i < story_pick_count)
		return &story_picks[i];
	i -= story_pick_count;
	if (i < story_room_count)
		return &story_rooms[i];
	i -= story_room_count;
	if (i < story_record_count)
		return &story_records[i];
	i -= story_record_count;
	if (i < story_link_count)
		return &story_links[i];
	i -= story_link_count;
	return i < story_flow_count ? &story_flows[i] : NULL;
}

static bool two_nodes(enum story_harm harm)
{
	return harm == HARM_GO || harm == HARM_TAKE || harm == HARM_TWICE;
}

static bool floats(enum story_harm harm)
{
	return harm == HARM_TAKE || harm == HARM_TWICE;
}

/* Of a run, or of several. */
struct outcome {
	uint32_t effects; /* of the last one */
	uint64_t hash;
};

/* False: it is broken, and was told. */
static bool tell(const struct story *t, const struct story_mishap *mishap, bool aloud,
		 struct outcome *out)
{
	struct sim *s = malloc(sizeof(*s));
	bool linked = t->elsewhere || (t->callbacks && floats(mishap->harm));
	struct sim_way way = { .script = t,
			       .harm = mishap->harm,
			       .behind = mishap->behind,
			       .nodes = two_nodes(mishap->harm) || t->elsewhere ? 2 : 1,
			       .floats = floats(mishap->harm) || t->elsewhere ? FLOATS : FLOATS_NOT,
			       .links = linked ? LINKS : LINKS_NOT,
			       .story = aloud,
			       .hashes = mishap->hashes,
			       .harvest = mishap->harvest };
	bool ok;

	if (!s)
		exit(2);
	ok = sim_run(s, 1, &way);
	out->effects = s->effects;
	out->hash = (out->hash ^ sim_hash(s)) * UINT64_C(1099511628211);
	if (aloud)
		sim_tell(s);
	if (aloud || (!ok && mishap->named))
		(void)printf("%s, %s behind effect %u: %s\n", t->name,
			     story_harm_name(mishap->harm), mishap->behind,
			     ok ? "all is well" : s->check.broken);
	sim_close(s);
	free(s);
	if (!ok && !aloud && !mishap->named)
		(void)tell(t, mishap, true, out);
	return ok;
}

bool story_tell(const char *name, const struct story_mishap *mishap)
{
	struct outcome ignored = { 0 };
	const struct story *t;

	for (uint32_t i = 0; (t = story_at(i)) != NULL; i++) {
		if (strcmp(name, t->name) != 0)
			continue;
		if (story_harm_fits(mishap->harm, t))
			return tell(t, mishap, true, &ignored);
		(void)fprintf(stderr, "sim: a story of this kind is not %s\n",
			      story_harm_name(mishap->harm));
		return false;
	}
	(void)fprintf(stderr, "sim: no story is called %s\n", name);
	return false;
}

/* Which of a story's effects it goes wrong behind. */
struct harm_way {
	enum story_harm harm;
	uint32_t first, sample;
	bool all;    /* each that is broken is named */
	bool hashes; /* a line for all of them */
};

/* So that the suite stays short: of that many effects one, in each story others. */
static const uint32_t harm_samples[HARMS] = {
	[HARM_KILL] = 1, [HARM_FENCE] = 1,    [HARM_MOVE] = 4,  [HARM_GO] = 4,
	[HARM_TAKE] = 4, [HARM_DOCUMENT] = 4, [HARM_TWICE] = 8, [HARM_LINK] = 1
};

static void print_hash(const struct story *t, const char *harm, const struct outcome *o)
{
	(void)printf("story %s, %s: %016" PRIx64 "\n", t->name, harm, o->hash);
}

/* Behind each effect in turn. */
static bool harm_tell(const struct story *t, uint32_t effects, const struct harm_way *way,
		      uint32_t *count)
{
	struct story_mishap mishap = { .harm = way->harm,
				       .named = way->all,
				       .hashes = way->hashes };
	struct outcome all = { .effects = effects };
	bool ok = true;

	if (!story_harm_fits(way->harm, t))
		return true;
	if (two_nodes(way->harm)) /* they have others */
		ok = tell(t, &mishap, false, &all);
	effects = all.effects;
	for (uint32_t k = 1; k <= effects && (ok || way->all); k++) {
		if (k % way->sample != way->first % way->sample)
			continue;
		*count += 1;
		mishap.behind = k;
		ok &= tell(t, &mishap, false, &all);
	}
	if (way->hashes)
		print_hash(t, story_harm_name(way->harm), &all);
	return ok;
}

bool story_harvest(const char *name, const char *folder)
{
	const struct story_mishap none = { .harvest = folder };
	struct outcome ignored = { 0 };
	const struct story *t;
	bool all = true;

	for (uint32_t i = 0; (t = story_at(i)) != NULL; i++) {
		if (!name || strcmp(name, t->name) == 0)
			all &= tell(t, &none, false, &ignored);
	}
	return all;
}

/* harm: of all stories so far. */
static bool harms_tell(const struct story *t, const struct story_way *run, uint32_t effects,
		       uint32_t index, uint32_t harm[HARMS])
{
	bool ok = true;

	for (enum story_harm i = HARM_KILL; i < HARMS && (ok || run->all); i++) {
		const struct harm_way way = { i, index, run->whole ? 1 : harm_samples[i], run->all,
					      run->hashes };

		ok &= harm_tell(t, effects, &way, &harm[i]);
	}
	return ok;
}

bool story_run(const struct story_way *run)
{
	uint32_t told = 0, harm[HARMS] = { 0 };
	const struct story *t;
	bool all = true;

	for (uint32_t i = 0; (t = story_at(i)) != NULL; i++) {
		const struct story_mishap none = { .named = run->all, .hashes = run->hashes };
		struct outcome o = { 0 };

		if (run->name && strcmp(run->name, t->name) != 0)
			continue;
		if (!tell(t, &none, false, &o)) {
			all = false;
			continue;
		}
		all &= o.effects != 0;
		told++;
		if (run->hashes)
			print_hash(t, "plain", &o);
		if (!run->plain)
			all &= harms_tell(t, run, o.effects, i, harm);
	}
	(void)printf("# %u stories, %u kills, %u fences, %u moves of a phone, %u to another node, "
		     "%u takings, %u changes of documents, %u takings twice, %u broken links\n",
		     told, harm[HARM_KILL], harm[HARM_FENCE], harm[HARM_MOVE], harm[HARM_GO],
		     harm[HARM_TAKE], harm[HARM_DOCUMENT], harm[HARM_TWICE], harm[HARM_LINK]);
	return all && told;
}
