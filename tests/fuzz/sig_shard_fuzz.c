/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard against phones, a store and an engine that do whatever the input says, on virtual time. Each step is a byte for the action
 * and a few for its details. What must hold:
 *  - everything we send is SIP that we would accept ourselves;
 *  - INVITE to the called phone and 200 to the caller leave for the first time only when the store has answered, is away or overdue:
 *    never while a datagram is being received;
 *  - every record the store was given is taken back after a restart;
 *  - whoever was asked to a call is told how it went on: ACK, CANCEL or BYE, unless it says nothing for 64*T1;
 *  - once nobody says anything more and the calls are hung up, no call, transaction, port or pending save is left.
 */
#include <errno.h>

#include "base/hash.h"
#include "tests/unit/sig/phone.h"

/* The last two are of one extension. */
enum { PHONES = 4, STEPS_MAX = 120, SETTLE_STEPS = 40, ASKED_MAX = 512, COPIES = 7 };

/* An INVITE of ours, by its Call-ID. */
struct asked_phone {
	uint64_t hash;
	unsigned copies;
	bool told;
};

struct input {
	const uint8_t *p;
	size_t n;
};

struct world {
	struct rig *r;
	struct phone phones[PHONES];
	struct input in;
	char last[PHONES][RIG_TEXT_MAX]; /* what each phone said last */
	size_t last_n[PHONES];
	unsigned restarts;
};

#define NOTHING BYTES_LIT("")

static bool g_receiving; /* within shard_receive, the store not away */
static struct asked_phone g_asked[ASKED_MAX];
static uint32_t g_asked_count;
static bool g_lost; /* a restart, or an address that cannot be reached: not everybody can be told */

static uint8_t next(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static void check(bool ok, const char *what, struct bytes text)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s:\n" BYTES_FMT "\n", what, BYTES_ARG(text));
	abort();
}

static struct asked_phone *asked_phone(struct bytes call_id)
{
	static const struct hash_key key = { 1, 2 };
	uint64_t hash = hash_sip(&key, call_id);

	for (uint32_t i = 0; i < g_asked_count; i++) {
		if (g_asked[i].hash == hash)
			return &g_asked[i];
	}
	if (g_asked_count == ASKED_MAX)
		return NULL;
	g_asked[g_asked_count] = (struct asked_phone){ .hash = hash };
	return &g_asked[g_asked_count++];
}

/* What it is told, or answers itself: 200 to its BYE. */
static void note_sent(const struct sip_message *m)
{
	struct asked_phone *a = asked_phone(m->call_id);

	if (!a)
		return;
	if (m->request && m->method == SIP_INVITE)
		a->copies++;
	else if ((m->request && (m->method == SIP_ACK || m->method == SIP_CANCEL)) ||
		 m->method == SIP_BYE)
		a->told = true;
}

static void check_told(void)
{
	for (uint32_t i = 0; i < g_asked_count && !g_lost; i++)
		check(g_asked[i].copies == 0 || g_asked[i].told || g_asked[i].copies == COPIES,
		      "a phone was left alone", NOTHING);
}

static void check_sent(struct rig *r, const struct effect *e)
{
	struct bytes text;
	struct sip_message m;
	struct message_error error;

	(void)r;
	if (e->kind != EFFECT_SEND)
		return;
	text = text_bytes(&e->data);
	if (message_parse(&m, text, &error)) {
		message_close(&m);
		/* a refusal repeats what was wrong with the request */
		check(bytes_starts(text, "SIP/2.0 400") || bytes_starts(text, "SIP/2.0 505"),
		      error.reason, text);
		return;
	}
	check(m.body.n == rig_body(text).n, "Content-Length", text);
	check(!(g_receiving && m.request && m.method == SIP_INVITE), "INVITE before its save",
	      text);
	check(!(g_receiving && !m.request && m.method == SIP_INVITE && m.status / 100 == 2),
	      "2xx before its save", text);
	note_sent(&m);
	message_close(&m);
}

static struct bytes pick_sent(struct world *w, const struct phone *p, bool request, unsigned skip)
{
	for (uint32_t i = w->r->sent_count; i-- > 0;) {
		struct bytes text = text_bytes(&w->r->sent[i].data);

		if (addr_eq(&w->r->sent[i].hop.remote, &p->addr) &&
		    bytes_starts(text, "SIP/2.0") != request && skip-- == 0)
			return text;
	}
	return (struct bytes){ 0 };
}

static void receive(struct world *w, unsigned phone, const void *text, size_t n)
{
	struct sip_hop hop = { .remote = w->phones[phone].addr };

	g_receiving = !rig_counts(w->r).degraded;
	shard_receive(w->r->shard, &hop, bytes_mem(text, n), w->r->now);
	rig_drain(w->r);
	g_receiving = false;
	w->last_n[phone] = n < RIG_TEXT_MAX ? n : RIG_TEXT_MAX;
	memmove(w->last[phone], text, w->last_n[phone]);
}

#define VIDEO_SDP PHONE_SDP_B "m=video 5002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define EMPTY_SDP                                                                  \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" \
	"m=audio 0 RTP/AVP 8\r\n"

#define SECURE_SDP                                                                    \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.13\r\ns=-\r\nc=IN IP4 192.0.2.13\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/SAVP 8\r\n"                                                 \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmR2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2\r\n"

static const char *const bodies[] = {
	"", PHONE_SDP_A, PHONE_SDP_B, VIDEO_SDP, "v=0\r\n", EMPTY_SDP, SECURE_SDP,
};

static void say(struct world *w, unsigned phone, const char *text)
{
	receive(w, phone, text, strlen(text));
}

/* Some phones keep the time (RFC 4028), and one of them takes UPDATE. */
static const char *timer_lines(unsigned phone)
{
	static const char *const lines[PHONES] = {
		"",
		"k: timer\r\nx: 100;refresher=uac\r\n",
		"Allow: INVITE, UPDATE\r\nk: timer\r\nx: 95;refresher=uas\r\n",
		"Allow: UPDATE\r\nSupported: timer\r\nx: 40\r\n",
	};

	return lines[phone];
}

static void request(struct world *w, unsigned phone, const char *method, const char *body)
{
	struct phone *p = &w->phones[phone];
	char text[RIG_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		       "From: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		       "Contact: <sip:%s@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		       method, p->target, p->address, p->branch, p->local, p->tag, p->remote,
		       p->remote_tag[0] ? ";tag=" : "", p->remote_tag, p->call_id, p->cseq, method,
		       p->user, p->address, timer_lines(phone),
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	say(w, phone, text);
}

static void invite(struct world *w, unsigned phone, uint8_t how)
{
	struct phone *p = &w->phones[phone];

	phone_begin(p, w->phones[how % PHONES].user);
	phone_new_branch(p);
	p->cseq++;
	request(w, phone, "INVITE", bodies[how / 16 % COUNT_OF(bodies)]);
}

/* The phone learns its dialog from something it was sent. */
static void learn(struct world *w, unsigned phone, uint8_t how)
{
	struct phone *p = &w->phones[phone];
	bool asked = how & 1;
	struct bytes m = pick_sent(w, p, asked, how / 2 % 4);
	char tag[sizeof(p->local)];

	if (m.n == 0 || rig_header(m, "Call-ID").n >= sizeof(p->call_id) ||
	    rig_header(m, "From").n >= sizeof(tag) || rig_header(m, "To").n >= sizeof(tag) ||
	    rig_header(m, "Contact").n >= sizeof(tag))
		return; /* too long for this phone */
	phone_copy(p->call_id, sizeof(p->call_id), rig_header(m, "Call-ID"));
	phone_split(rig_header(m, asked ? "From" : "To"), p->remote, sizeof(p->remote),
		    p->remote_tag, sizeof(p->remote_tag));
	phone_split(rig_header(m, asked ? "To" : "From"), p->local, sizeof(p->local), tag,
		    sizeof(tag));
	phone_target(p, rig_header(m, "Contact"));
	if (!p->target[0])
		(void)snprintf(p->target, sizeof(p->target), "sip:x@192.0.2.1");
}

static void in_dialog(struct world *w, unsigned phone, uint8_t how)
{
	static const char *const methods[] = { "BYE",    "INVITE", "INFO",  "OPTIONS",
					       "UPDATE", "PRACK",  "REFER", "BYE" };
	struct phone *p = &w->phones[phone];

	phone_new_branch(p);
	p->cseq++;
	request(w, phone, methods[how % COUNT_OF(methods)], bodies[how / 8 % COUNT_OF(bodies)]);
}

static void respond(struct world *w, unsigned phone, uint8_t how, uint8_t which)
{
	static const char *const statuses[] = {
		"100 Trying", "180 Ringing",   "183 Progress", "200 OK",
		"200 OK",     "486 Busy Here", "302 Moved",    "487 Request Terminated",
		"481 Gone",   "503 Away",      "606 No",       "299 Odd"
	};
	struct phone *p = &w->phones[phone];
	struct bytes m = pick_sent(w, p, true, which % 4);
	const char *body = bodies[which / 4 % COUNT_OF(bodies)];
	bool elsewhere = which & 0x80; /* the contact is an extension of ours */
	char text[RIG_TEXT_MAX];
	bool tagged = rig_has(rig_header(m, "To"), ";tag=");

	if (m.n == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 %s\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		       "%s%s%s\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT
		       "\r\nContact: <sip:%s@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		       how & 0x40 ? "422 Small\r\nMin-SE: 200" : statuses[how % COUNT_OF(statuses)],
		       BYTES_ARG(rig_header(m, "Via")), BYTES_ARG(rig_header(m, "From")),
		       BYTES_ARG(rig_header(m, "To")), tagged ? "" : ";tag=", tagged ? "" : p->tag,
		       how & 0x80 ? "x" : "", BYTES_ARG(rig_header(m, "Call-ID")),
		       BYTES_ARG(rig_header(m, "CSeq")),
		       elsewhere ? w->phones[which % PHONES].user : p->user,
		       elsewhere ? "192.0.2.1" : p->address, timer_lines(phone),
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	say(w, phone, text);
}

static void bind_phones(struct world *w)
{
	struct shard_extension secure = rig_extension("1003", true);

	secure.sdes_insecure = true;
	check(!shard_extension_put(w->r->shard, &secure), "no extension", NOTHING);
	phone_bind(&w->phones[0]);
	phone_bind(&w->phones[1]);
	phones_bind(&w->phones[2], 2);
}

static void advance(struct world *w, uint64_t ms)
{
	uint64_t end = w->r->now.ns + ms * NS_PER_MS;

	for (;;) {
		uint64_t at = shard_next_ns(w->r->shard);

		if (at > end)
			at = end;
		if (at > w->r->now.ns) {
			w->r->now.utc_ms += (at - w->r->now.ns) / NS_PER_MS;
			w->r->now.ns = at;
		}
		shard_expire(w->r->shard, w->r->now);
		rig_drain(w->r);
		if (w->r->now.ns >= end && shard_next_ns(w->r->shard) > end)
			return;
	}
}

static void answer_save(struct world *w, uint8_t how)
{
	for (uint32_t i = 0; i < w->r->save_count; i++) {
		if (!w->r->saves[i].answered) {
			rig_answer(w->r, i, how & 1);
			return;
		}
	}
}

static void media(struct world *w, uint8_t how)
{
	struct media_event ev = { .kind = how % 7, .digit = '1', .error = -EIO };
	struct call_view v;
	uint32_t cursor = 0;

	if (!shard_call_next(w->r->shard, &cursor, &v) || v.flow_count == 0)
		return;
	ev.call = v.call;
	ev.id = v.flows[how / 8 % v.flow_count].id;
	if (how & 0x40) {
		shard_media_failed(w->r->shard, ev.id, ev.call, -EADDRINUSE, w->r->now);
		rig_drain(w->r);
		return;
	}
	ev.resume.started = 1;
	ev.resume.srtp_next = 1000;
	ev.resume.source_rtp = w->phones[0].addr;
	shard_media_event(w->r->shard, &ev, w->r->now);
	rig_drain(w->r);
}

static void hangup_all(struct world *w)
{
	struct call_view v;
	uint32_t cursor = 0;

	while (shard_call_next(w->r->shard, &cursor, &v)) {
		check(!shard_hangup(w->r->shard, v.call, w->r->now), "no call to hang up", NOTHING);
		rig_drain(w->r);
	}
}

static bool ended(const struct rig *r, uint64_t call)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (r->saves[i].kind == EFFECT_CALL_END && r->saves[i].call == call &&
		    r->saves[i].answered)
			return true;
	}
	return false;
}

/* The newest record of each call that the store may hold. */
static void restore(struct world *w, uint32_t i, uint32_t count)
{
	const struct rig_save *s = &w->r->saves[i];
	const char *reason = "";
	int err;

	if (s->kind != EFFECT_CALL_SAVE || ended(w->r, s->call))
		return;
	for (uint32_t k = i + 1; k < count; k++) {
		if (w->r->saves[k].kind == EFFECT_CALL_SAVE && w->r->saves[k].call == s->call)
			return;
	}
	err = shard_restore_call(w->r->shard, text_bytes(&s->record), w->r->now, &reason);
	/* -EBUSY: the store never took the call's end, and another one has its ports by now */
	check(err != -EBADMSG, reason, text_bytes(&s->record));
	rig_drain(w->r);
}

static void restart(struct world *w, uint8_t how)
{
	uint32_t count = w->r->save_count;

	shard_close(w->r->shard);
	rand_open_seed(&w->r->rand, 256u * ++w->restarts + how); /* no tag comes twice */
	w->r->now.utc_ms += 2;
	w->r->now.ns += 2 * NS_PER_MS;
	rig_start_shard(w->r);
	g_lost = true;
	bind_phones(w);
	for (uint32_t i = 0; i < count; i++)
		restore(w, i, count);
	for (uint32_t i = 0; i < count; i++)
		w->r->saves[i].answered = true; /* nobody waits for these any more */
	shard_resume(w->r->shard, w->r->now);
	rig_drain(w->r);
}

static void mutate(struct world *w, unsigned phone)
{
	char text[RIG_TEXT_MAX];
	size_t n = w->last_n[phone];
	unsigned changes = next(&w->in) % 8;

	memcpy(text, w->last[phone], n);
	while (n && changes--) {
		size_t at = (size_t)next(&w->in) << 8 | next(&w->in);

		text[at % n] = (char)next(&w->in);
	}
	receive(w, phone, text, n);
}

static void raw(struct world *w, unsigned phone)
{
	size_t n = next(&w->in);

	if (n > w->in.n)
		n = w->in.n;
	receive(w, phone, w->in.p, n);
	w->in.p += n;
	w->in.n -= n;
}

static void unreachable(struct world *w, unsigned phone)
{
	struct sip_hop hop = { .remote = w->phones[phone].addr };

	g_lost = true;
	shard_send_failed(w->r->shard, &hop, ECONNREFUSED, w->r->now);
}

/* What a command asks for; it may well be refused. */
static void order(struct world *w, uint8_t how)
{
	const struct shard_originate o = { .call = UINT64_C(0x7800000000001),
					   .from = how & 8 ? "1001" : "1003",
					   .to = "1002",
					   .auto_answer = how & 16 };
	struct shard *s = w->r->shard;
	struct call_view v;
	uint32_t cursor = 0;
	uint8_t leg = how >> 7;

	if (how % 8 == 7 || !shard_call_next(s, &cursor, &v)) {
		(void)!shard_call_originate(s, &o, w->r->now);
	} else if (how % 8 < 3) {
		(void)!shard_call_hold(s, v.call, leg, w->r->now);
	} else if (how % 8 < 5) {
		(void)!shard_call_resume(s, v.call, leg, w->r->now);
	} else if (how % 8 == 5) {
		(void)!shard_call_mute(s, v.call, leg, how & 16, w->r->now);
	} else {
		(void)!shard_call_dtmf(s, v.call, leg, BYTES_LIT("1#"), 120, w->r->now);
	}
	rig_drain(w->r);
}

static void step(struct world *w)
{
	uint8_t op = next(&w->in);
	unsigned phone = op / 16 % PHONES;
	uint8_t how;

	switch (op % 16) {
	case 0:
		raw(w, phone);
		break;
	case 1:
	case 2:
		invite(w, phone, next(&w->in));
		break;
	case 3:
	case 4:
		how = next(&w->in);
		respond(w, phone, how, next(&w->in));
		break;
	case 5:
		learn(w, phone, next(&w->in));
		break;
	case 6:
		in_dialog(w, phone, next(&w->in));
		break;
	case 7:
		request(w, phone, "ACK", bodies[next(&w->in) % COUNT_OF(bodies)]);
		break;
	case 8:
		request(w, phone, "CANCEL", "");
		break;
	case 9:
		advance(w, (uint64_t)next(&w->in) * (op & 0x80 ? 400 : 20));
		break;
	case 10:
	case 11:
		answer_save(w, next(&w->in));
		break;
	case 12:
		shard_degraded(w->r->shard, op & 0x10, w->r->now);
		rig_drain(w->r);
		break;
	case 13:
		media(w, next(&w->in));
		break;
	case 14:
		if (op & 0x80)
			restart(w, next(&w->in));
		else if (op & 0x40)
			unreachable(w, phone);
		else
			hangup_all(w);
		rig_drain(w->r);
		break;
	default:
		if (op & 0x80)
			order(w, next(&w->in));
		else
			mutate(w, phone);
		break;
	}
}

static void answer_all(struct world *w)
{
	for (uint32_t i = 0; i < w->r->save_count; i++)
		rig_answer(w->r, i, true);
}

static void settle(struct world *w)
{
	struct shard_counts c;

	shard_degraded(w->r->shard, false, w->r->now);
	rig_drain(w->r);
	hangup_all(w);
	for (int i = 0; i < SETTLE_STEPS; i++) {
		answer_all(w);
		advance(w, 5000);
		hangup_all(w);
	}
	answer_all(w);
	c = rig_counts(w->r);
	check(c.calls == 0, "calls are left", NOTHING);
	check(c.calls_established == 0, "established calls are left", NOTHING);
	check(c.txns == 0, "transactions are left", NOTHING);
	check(c.ports_free == 100, "ports are left", NOTHING);
	check(c.saves_pending == 0, "saves are left", NOTHING);
	check_told();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard_settings settings;
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return 0;
	w->in = (struct input){ data, size };
	rig_without_secrets = true;
	settings = rig_settings();
	settings.session_expires_s = size % 3 ? 120 : 0;
	w->r = rig_open_with(&settings);
	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT); /* to nobody */
	w->r->rolling = w->r->hold_saves = w->r->hold_media = true;
	w->r->seen = check_sent;
	phone_open(&w->phones[0], w->r, "1001", "192.0.2.11:5060");
	phone_open(&w->phones[1], w->r, "1003", "192.0.2.13:5060");
	phone_open(&w->phones[2], w->r, "1002", "192.0.2.12:5060");
	phone_open(&w->phones[3], w->r, "1002", "192.0.2.22:5060");
	bind_phones(w);
	for (unsigned i = 0; i < PHONES; i++)
		phone_begin(&w->phones[i], "1002");
	g_asked_count = 0;
	g_lost = false;
	for (int i = 0; i < STEPS_MAX && w->in.n; i++)
		step(w);
	settle(w);
	rig_close(w->r);
	free(w);
	return 0;
}
