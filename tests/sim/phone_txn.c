/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/phone_txn.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

#define T1 (500 * NS_PER_MS)
#define T2 (4 * NS_PER_S)
#define T4 (5 * NS_PER_S)

static void on_timer(struct sim *s, const struct event *e);

static struct phone_txn *by_serial(struct phone *p, uint64_t serial)
{
	struct phone_txn *t = p->txns;

	while (t && (t->serial != serial || t->dead))
		t = t->next;
	return t;
}

static void arm(struct sim *s, const struct phone *p, struct phone_txn *t)
{
	uint64_t next = t->again_ns && (!t->give_up_ns || t->again_ns < t->give_up_ns)
				? t->again_ns
				: t->give_up_ns;

	t->wake++;
	if (next)
		sim_after(s, next - s->now_ns, on_timer, p->index, t->serial, t->wake);
}

static struct phone_txn *take(const struct sim *s, uint32_t place, struct phone *p,
			      enum sip_method method, struct bytes branch, bool server)
{
	struct phone_txn *t = calloc(1, sizeof(*t));
	int err;

	assert(t);
	*t = (struct phone_txn){ .next = p->txns,
				 .phone = p,
				 .serial = ++p->txn_serial,
				 .method = method,
				 .node = place,
				 .incarnation = node_run(s, place),
				 .server = server };
	err = bytes_cstr(branch, t->branch, sizeof(t->branch));
	assert(!err);
	(void)err;
	p->txns = t;
	return t;
}

struct phone_txn *phone_txn_ask(struct sim *s, struct phone *p, struct phone_call *c,
				enum sip_method method, const char *branch, struct bytes request)
{
	struct phone_txn *t = take(s, c ? node_place_of_call(s, c->node_call, c->node) : p->node, p,
				   method, bytes_str(branch), false);

	t->call = c;
	if (text_set(&t->request, request))
		assert(false && "out of memory");
	t->interval_ns = T1;
	if (p->transport == SIP_UDP)
		t->again_ns = s->now_ns + T1; /* timers A, E */
	t->give_up_ns = s->now_ns + 64 * T1;  /* timers B, F */
	phone_say(s, p, request);
	arm(s, p, t);
	return t;
}

struct phone_txn *phone_txn_asked(struct sim *s, struct phone *p, const struct sip_message *m,
				  struct bytes datagram)
{
	struct phone_txn *t = take(s, p->heard_from, p, m->method, m->via.branch, true);

	if (text_set(&t->request, datagram))
		assert(false && "out of memory");
	return t;
}

void phone_txn_answer(struct sim *s, struct phone *p, struct phone_txn *t, uint16_t status,
		      struct bytes response)
{
	assert(t->server && t->state <= PT_PROCEEDING);
	if (text_set(&t->response, response))
		assert(false && "out of memory");
	phone_say(s, p, response);
	t->state = PT_PROCEEDING;
	if (status < 200)
		return;
	t->state = PT_COMPLETED;
	t->give_up_ns = s->now_ns + 64 * T1; /* timers H, J, L */
	if (t->method == SIP_INVITE && status < 300) {
		t->state = PT_ACCEPTED;
	} else if (t->method == SIP_INVITE && p->transport == SIP_UDP) { /* timer G */
		t->interval_ns = T1;
		t->again_ns = s->now_ns + T1;
	}
	arm(s, p, t);
}

struct phone_txn *phone_txn_client(struct phone *p, const struct sip_message *response)
{
	struct phone_txn *t = p->txns;

	while (t && (t->dead || t->server || t->method != response->method ||
		     !bytes_is(response->via.branch, t->branch)))
		t = t->next;
	return t;
}

struct phone_txn *phone_txn_server(struct phone *p, const struct sip_message *request,
				   enum sip_method method)
{
	struct phone_txn *t = p->txns;

	while (t && (t->dead || !t->server || t->method != method ||
		     !bytes_is(request->via.branch, t->branch)))
		t = t->next;
	return t;
}

/* RFC 3261 17.1.1.3 */
static void ack_failure(struct sim *s, struct phone *p, struct phone_txn *t,
			const struct sip_message *m)
{
	char text[2048];
	struct message_error error;
	struct sip_message asked;
	struct bytes to = { 0 };
	struct writer w = writer_over(text, sizeof(text));

	if (t->ack.n == 0) {
		if (message_parse(&asked, text_bytes(&t->request), &error))
			assert(false && "our own request");
		(void)message_header(m, "To", 0, &to);
		writer_fmt(&w,
			   "ACK " BYTES_FMT " SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\n"
			   "Max-Forwards: 70\r\n",
			   BYTES_ARG(asked.uri.all), sip_transport_name(p->transport), p->address,
			   t->branch);
		writer_fmt(&w,
			   "From: <" BYTES_FMT ">;tag=" BYTES_FMT "\r\nTo: " BYTES_FMT
			   "\r\nCall-ID: " BYTES_FMT
			   "\r\nCSeq: %u ACK\r\nContent-Length: 0\r\n\r\n",
			   BYTES_ARG(asked.from.uri.all), BYTES_ARG(asked.from.tag), BYTES_ARG(to),
			   BYTES_ARG(asked.call_id), asked.cseq);
		message_close(&asked);
		assert(!w.overflow);
		if (text_set(&t->ack, writer_done(&w)))
			assert(false && "out of memory");
	}
	phone_say(s, p, text_bytes(&t->ack));
}

/* The node has no room, or the phone has to wait for wrong credentials that came from there. */
static bool is_for_now(const struct sip_message *m)
{
	struct bytes value;

	return m->status == 503 ||
	       (m->status == 403 && message_header(m, "Retry-After", 0, &value));
}

static uint16_t shard_of(const struct sip_message *m)
{
	struct id_tag id;

	return id_tag_get(m->to.tag, &id) ? 0 : id_shard(id.call);
}

/* The node had lost that shard alone, and a late copy came to one that knows of nothing. */
static bool is_of_another_shard(const struct sim *s, const struct phone_txn *t,
				const struct sip_message *m)
{
	return s->totals.lost_alone && shard_of(m) != t->shard;
}

static bool invite_response(struct sim *s, struct phone *p, struct phone_txn *t,
			    const struct sip_message *m)
{
	bool first = t->state <= PT_PROCEEDING;

	t->again_ns = 0;
	if (m->status < 200) {
		if (!first)
			return false;
		t->state = PT_PROCEEDING;
		t->give_up_ns = 0;
	} else if (m->status < 300) {
		if (t->state == PT_COMPLETED) { /* a refusal is not saved before it is said */
			/* nor is one for now kept: a late copy of the INVITE may be taken */
			if (node_run(s, t->node) == t->incarnation && !t->was_full)
				check_fail(s, "%s heard a 2xx after a refusal", p->user);
			return false;
		}
		t->give_up_ns = s->now_ns + 64 * T1; /* timer M */
		t->state = PT_ACCEPTED;
		t->shard = shard_of(m);
		first = true; /* the call knows its repetitions */
	} else {
		if (t->state == PT_ACCEPTED &&
		    (node_run(s, t->node) != t->incarnation || is_of_another_shard(s, t, m)))
			return false;
		if (t->state == PT_ACCEPTED) {
			check_fail(s, "%s heard %u after a 2xx of the same INVITE", p->user,
				   m->status);
			return false;
		}
		t->state = PT_COMPLETED;
		t->was_full = is_for_now(m);
		t->give_up_ns = s->now_ns + 64 * T1; /* timer D */
		ack_failure(s, p, t, m);
	}
	arm(s, p, t);
	return first;
}

bool phone_txn_response(struct sim *s, struct phone *p, struct phone_txn *t,
			const struct sip_message *m)
{
	if (t->method == SIP_INVITE)
		return invite_response(s, p, t, m);
	if (t->state == PT_COMPLETED)
		return false;
	if (m->status < 200) {
		t->state = PT_PROCEEDING;
		return true;
	}
	t->state = PT_COMPLETED;
	t->again_ns = 0;
	t->give_up_ns = s->now_ns + T4; /* timer K */
	arm(s, p, t);
	return true;
}

void phone_txn_repeated(struct sim *s, struct phone *p, struct phone_txn *t)
{
	if (t->response.n && t->state != PT_ACCEPTED && t->state != PT_CONFIRMED)
		phone_say(s, p, text_bytes(&t->response));
}

void phone_txn_acked(struct sim *s, struct phone *p, struct phone_txn *t)
{
	if (t->state != PT_COMPLETED)
		return;
	t->state = PT_CONFIRMED;
	t->again_ns = 0;
	t->give_up_ns = s->now_ns + T4; /* timer I */
	arm(s, p, t);
}

static void again(struct sim *s, struct phone *p, struct phone_txn *t)
{
	bool doubles = t->method == SIP_INVITE && !t->server; /* timer A has no bound */

	phone_say(s, p, text_bytes(t->server ? &t->response : &t->request));
	t->interval_ns *= 2;
	if (!doubles && (t->interval_ns > T2 || t->state == PT_PROCEEDING))
		t->interval_ns = T2;
	t->again_ns = s->now_ns + t->interval_ns;
	arm(s, p, t);
}

static void give_up(struct sim *s, struct phone_txn *t)
{
	t->dead = true;
	if (!t->server && t->state <= PT_PROCEEDING) {
		phone_uac_timeout(s, t);
	} else if (t->server && t->method == SIP_INVITE && t->state == PT_COMPLETED) {
		phone_uas_no_ack(s, t);
	}
}

static void on_timer(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_txn *t = by_serial(p, e->a);

	if (!t || t->wake != e->b || !p->alive)
		return;
	if (t->give_up_ns && t->give_up_ns <= s->now_ns) {
		give_up(s, t);
	} else if (t->again_ns && t->again_ns <= s->now_ns) {
		again(s, p, t);
	}
}

void phone_txns_again(struct sim *s, struct phone *p)
{
	/* an INVITE before its CANCEL */
	for (uint64_t serial = 1; serial <= p->txn_serial; serial++) {
		const struct phone_txn *t = by_serial(p, serial);

		if (!t || t->method == SIP_REGISTER)
			continue;
		if (!t->server && t->state <= PT_PROCEEDING)
			phone_say(s, p, text_bytes(&t->request));
		else if (t->server && t->state == PT_COMPLETED)
			phone_say(s, p, text_bytes(&t->response));
	}
}

void phone_txns_close(struct phone *p)
{
	while (p->txns) {
		struct phone_txn *t = p->txns;

		p->txns = t->next;
		text_clear(&t->request);
		text_clear(&t->response);
		text_clear(&t->ack);
		free(t);
	}
}
