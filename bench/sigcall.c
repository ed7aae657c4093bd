/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signalling core alone: calls per second of one core, and memory per call. Virtual time, no socket, no store: the phones, the
 * store and the engine answer at once, and only the time within the shard is counted.
 *   sigcall [calls]       1: that one alone, and no memory; what runs in ring_and_answer() is counted by bench/tree.py
 */
#include <malloc.h>

#include "base/clock.h"
#include "sig/host/settings.h"
#include "sig/model/call.h"
#include "tests/unit/sig/phone.h"

enum { CALLS = 20000, HELD = 2000, CALL_GAP_US = 500 };

static uint64_t g_busy_ns;
static uint64_t g_entries;

static uint64_t before(void)
{
	return clock_now_ns();
}

static void after(uint64_t start)
{
	g_busy_ns += clock_now_ns() - start;
	g_entries++;
}

/* The store's and the engine's answers to what the last step asked for, and what was sent meanwhile. */
struct heard {
	struct text invite, answer, bye; /* to B, to A, to B */
};

static void hear(struct heard *h, const struct effect *e)
{
	const struct request_send *sent = e->request;
	struct bytes text = text_bytes(&sent->data);
	struct text *to = NULL;
	int err;

	if (bytes_starts(text, "INVITE "))
		to = &h->invite;
	else if (bytes_starts(text, "BYE "))
		to = &h->bye;
	else if (bytes_starts(text, "SIP/2.0 200") && rig_has(text, " INVITE\r\n"))
		to = &h->answer;
	err = to ? text_set(to, text) : 0;
	assert(!err);
	(void)err;
}

static void answer_media(struct rig *r, const struct effect *e)
{
	const struct media_command *m = ((const struct request_media *)e->request)->command;
	struct media_event ev = { .kind = MEDIA_FLOW_CLOSED, .id = m->id, .call = e->call };
	uint64_t start;

	if (m->kind != MEDIA_FLOW_CLOSE)
		return;
	start = before();
	shard_media_event(r->shard, &ev, r->now);
	after(start);
}

static void answer_one(struct rig *r, const struct effect *e)
{
	const struct request_save *save = e->request;
	uint64_t start = before();

	if (e->kind == EFFECT_CALL_SAVE)
		shard_call_saved(r->shard, e->call, save->version, true, r->now);
	else if (e->kind == EFFECT_CALL_END)
		shard_call_ended(r->shard, e->call, true, r->now);
	after(start);
}

/* Effects move out of the list first: an answer makes new ones. */
static void drain(struct rig *r, struct heard *h)
{
	struct effects *list = shard_effects(r->shard);

	while (list->count) {
		struct effects taken = *list;

		*list = (struct effects){ 0 };
		for (uint32_t i = 0; i < taken.count; i++) {
			const struct effect *e = &taken.list[i];

			if (e->kind == EFFECT_SEND)
				hear(h, e);
			else if (e->kind == EFFECT_MEDIA)
				answer_media(r, e);
			else
				answer_one(r, e);
		}
		effects_close(&taken);
	}
}

static void send(struct rig *r, const struct phone *p, struct heard *h, const char *text)
{
	struct sip_hop hop = { .remote = p->addr };
	uint64_t start = before();

	shard_receive(r->shard, &hop, bytes_str(text), r->now);
	after(start);
	drain(r, h);
}

static void tick(struct rig *r, struct heard *h, uint64_t us)
{
	uint64_t start = before();

	r->now.ns += us * NS_PER_US;
	r->now.utc_ms = r->now.ns / NS_PER_MS + UINT64_C(1750000000000);
	shard_expire(r->shard, r->now);
	after(start);
	drain(r, h);
}

static void request(struct rig *r, const struct phone *p, struct heard *h, const char *method,
		    unsigned call, unsigned cseq, const char *to_tag, const char *body)
{
	char text[RIG_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "%s sip:1002@test.local SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bKbench.%s.%u;rport\r\n"
		       "Max-Forwards: 70\r\nFrom: \"Phone A\" <sip:1001@test.local>;tag=a%u\r\n"
		       "To: <sip:1002@test.local>%s%s\r\nCall-ID: bench-%u@192.0.2.11\r\n"
		       "CSeq: %u %s\r\nContact: <sip:1001@%s>\r\nUser-Agent: bench\r\n"
		       "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nSupported: replaces\r\n"
		       "%sContent-Length: %zu\r\n\r\n%s",
		       method, p->address, method, call, call, to_tag[0] ? ";tag=" : "", to_tag,
		       call, cseq, method, p->address,
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	send(r, p, h, text);
}

static void respond(struct rig *r, const struct phone *p, struct heard *h,
		    const struct text *to_request, const char *status, unsigned call,
		    const char *body)
{
	struct bytes m = text_bytes(to_request);
	struct bytes to = rig_header(m, "To");
	bool tagged = rig_has(to, ";tag=");
	char text[RIG_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 %s\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		       "%s\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT
		       "\r\nContact: <sip:1002@%s>\r\nUser-Agent: bench\r\n%sContent-Length: %zu"
		       "\r\n\r\n%s",
		       status, BYTES_ARG(rig_header(m, "Via")), BYTES_ARG(rig_header(m, "From")),
		       BYTES_ARG(to), tagged ? "" : ";tag=b", BYTES_ARG(rig_header(m, "Call-ID")),
		       BYTES_ARG(rig_header(m, "CSeq")), p->address,
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	(void)call;
	send(r, p, h, text);
}

static void tag_of(const struct heard *h, char tag[64])
{
	char name[256];

	phone_split(rig_header(text_bytes(&h->answer), "To"), name, sizeof(name), tag, 64);
}

static NOINLINE void ring_and_answer(struct rig *r, const struct phone *a, const struct phone *b,
				     struct heard *h, unsigned call)
{
	request(r, a, h, "INVITE", call, 1, "", PHONE_SDP_A);
	respond(r, b, h, &h->invite, "180 Ringing", call, "");
	respond(r, b, h, &h->invite, "200 OK", call, PHONE_SDP_B);
}

static void set_up(struct rig *r, const struct phone *a, const struct phone *b, struct heard *h,
		   unsigned call, char tag[64])
{
	ring_and_answer(r, a, b, h, call);
	tag_of(h, tag);
	request(r, a, h, "ACK", call, 1, tag, "");
}

static void hang_up(struct rig *r, const struct phone *a, const struct phone *b, struct heard *h,
		    unsigned call, const char *tag)
{
	request(r, a, h, "BYE", call, 2, tag, "");
	respond(r, b, h, &h->bye, "200 OK", call, "");
}

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void bench_rate(struct rig *r, const struct phone *a, const struct phone *b, unsigned calls)
{
	struct heard h = { 0 };
	char tag[64];

	g_busy_ns = g_entries = 0;
	for (unsigned i = 0; i < calls; i++) {
		set_up(r, a, b, &h, i, tag);
		hang_up(r, a, b, &h, i, tag);
		tick(r, &h, CALL_GAP_US);
	}
	(void)printf("calls %u, entries %llu, busy %.3f s: %.0f calls/s, %.1f us a call\n", calls,
		     (unsigned long long)g_entries, (double)g_busy_ns / 1e9,
		     calls / ((double)g_busy_ns / 1e9), (double)g_busy_ns / 1e3 / calls);
	tick(r, &h, 70000000);
	text_clear(&h.invite);
	text_clear(&h.answer);
	text_clear(&h.bye);
}

static void bench_memory(struct rig *r, const struct phone *a, const struct phone *b)
{
	static char tags[HELD][64];
	struct heard h = { 0 };
	size_t start = memory();
	size_t fresh;

	for (unsigned i = 0; i < HELD; i++)
		set_up(r, a, b, &h, 1000000 + i, tags[i]);
	fresh = memory();
	tick(r, &h, 70000000);
	(void)printf("established %u: %zu octets of heap a call at once, %zu after its "
		     "transactions ended, and %zu in the pool\n",
		     rig_counts(r).calls_established, (fresh - start) / HELD,
		     (memory() - start) / HELD, sizeof(struct call));
	for (unsigned i = 0; i < HELD; i++)
		hang_up(r, a, b, &h, 1000000 + i, tags[i]);
	tick(r, &h, 70000000);
	(void)printf("left: %u calls, %u transactions, %zu octets\n", rig_counts(r).calls,
		     rig_counts(r).txns, memory() - start);
	text_clear(&h.invite);
	text_clear(&h.answer);
	text_clear(&h.bye);
}

int main(int argc, char **argv)
{
	static struct shard_settings s; /* too big for a stack */
	unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : CALLS;
	struct phone a, b;
	struct rig *r;

	s = rig_settings();
	s.calls_max = 100000;
	s.txns_max = 1000000;
	s.networks[0].first_port = 10000;
	s.networks[0].last_port = 65535;
	r = rig_open_with(&s);
	phones_open(r, &a, &b);
	bench_rate(r, &a, &b, calls);
	if (calls > 1)
		bench_memory(r, &a, &b);
	rig_close(r);
	return 0;
}
